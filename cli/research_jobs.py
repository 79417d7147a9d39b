"""What the searching verbs ask alike: which market by which rules, which parameters are tried, by how many workers."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cli.outputs import STANDARD_OUTPUT
from cli.research_options import (
    Source,
    as_price,
    choose_instrument,
    progress,
    read_market,
    read_moment,
    read_news,
    read_rules,
    writable,
)
from cli.strategies import choose_strategy, make_strategy, read_parameters
from cli.wrong_input import InputError
from research.market import Market
from research.search.objectives import Objective
from research.search.spaces import Number, Space, SpaceError, space_of
from research.trades import Rules
from services.signals.domain.strategy import SearchRange, Strategy

MOST_JOBS = 64


@dataclass(frozen=True, slots=True)
class Build:
    """Makes a strategy by its name with parameters: in this process or in a worker that was told nothing else."""

    name: str

    def __call__(self, parameters: Mapping[str, Number]) -> Strategy[Any]:
        """Make it. Raises ValueError where the strategy refuses the parameters."""
        return make_strategy(self.name, parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A strategy, the market it is tried on, and the rules; `source` names the data for people."""

    strategy: Strategy[Any]
    market: Market
    rules: Rules
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the options of a verb say about its scene."""

    strategy: str
    tape: Path | None
    candles: Path | None
    news: Path | None = None
    start: str | None = None
    end: str | None = None
    params: Sequence[str] = ()
    plan: str = "standard"
    entry: str = "close"
    spread: float | None = None
    slippage: float = 0.0
    lots: str = "0.01"
    symbol: str = "XAUUSD"


def read_scene(setting: Setting) -> Scene:
    """Read strategy, rules and market. Raises InputError."""
    it = setting
    chosen, instrument = choose_strategy(it.strategy, it.params), choose_instrument(it.symbol)
    from_ms, to_ms = read_moment("--from", it.start), read_moment("--to", it.end)
    source = Source(tape=it.tape, candles=it.candles, from_ms=from_ms, to_ms=to_ms)
    rules = read_rules(
        instrument, source, plan=it.plan, entry=it.entry, lots=it.lots, spread=it.spread, slippage=it.slippage
    )
    calendar = read_news(it.news)
    own_spread = None if it.spread is None else as_price("--spread", it.spread, instrument)
    with progress("reading") as told:
        market = read_market(source, it.symbol, chosen.interval, own_spread, told)
    return Scene(strategy=chosen, market=replace(market, calendar=calendar), rules=rules, source=source.name)


def check_outputs(**paths: Path | None) -> None:
    """Check before the work is done that its results can be written; names are those of the options."""
    for name, path in paths.items():
        if path != STANDARD_OUTPUT:
            writable(f"--{name}", path)


def read_space(strategy: Strategy[Any], params: Sequence[str], search: Sequence[str]) -> Space:
    """Work out what is searched and what is held. Raises InputError."""
    try:
        return space_of(type(strategy), held=read_parameters(params), only=_only(search))
    except SpaceError as e:
        raise InputError(f"--search: {e}") from e


def read_objective(text: str) -> Objective:
    """Read what is made as large as possible."""
    if text not in tuple(Objective):
        raise InputError(f"--objective {text}: must be one of {', '.join(Objective)}")
    return Objective(text)


def read_count(option: str, value: int, *, most: int, least: int = 1) -> int:
    """Check a whole number."""
    if not least <= value <= most:
        raise InputError(f"{option} {value}: must be from {least} to {most:,}")
    return value


def read_jobs(value: int | None) -> int:
    """Tell how many workers there are to be: as many as there are cores, where nothing is asked."""
    return read_count("--jobs", value, most=MOST_JOBS) if value is not None else min(os.cpu_count() or 1, MOST_JOBS)


def read_share(option: str, value: float, *, most: float) -> float:
    """Check a share."""
    if not 0 <= value <= most:
        raise InputError(f"{option} {value:g}: must be a share from 0 to {most:g}, such as 0.3")
    return value


def named(strategy: Strategy[Any]) -> dict[str, str]:
    """Name a strategy for people and for the record."""
    return {"strategy": strategy.name, "version": strategy.version, "interval": strategy.interval.value}


def _only(texts: Sequence[str]) -> dict[str, SearchRange | None]:
    """Read `name` or `name=low:high:step`, several with commas between."""
    found: dict[str, SearchRange | None] = {}
    for part in (piece.strip() for text in texts for piece in text.split(",") if piece.strip()):
        name, _, span = part.partition("=")
        if name in found:
            raise InputError(f"--search {part}: {name} is given twice")
        found[name] = _range(part, span) if span else None
    return found


def _range(part: str, text: str) -> SearchRange:
    try:
        low, high, step = (float(number) for number in text.split(":"))
    except ValueError:
        raise InputError(f"--search {part}: must be name or name=LOW:HIGH:STEP, such as score_needed=4:8:1") from None
    return SearchRange(low, high, step)
