"""`sinyal new-strategy`: a strategy that runs, and its test, to begin with."""

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from cli.strategies import strategy_folder
from cli.wrong_input import InputError
from services.signals.adapters.strategy_catalogue import open_shelf
from services.signals.domain.strategy import NAME

EXAMPLE = '''\
"""__NAME__: an example to be changed into your idea. It buys a close that crosses above its average, and sells below.

docs/strategies.md says what each part means.
"""

from dataclasses import dataclass

from contracts.messages import Interval, Side
from services.signals.domain.classic import Atr, Ema
from services.signals.domain.levels import levels_at
from services.signals.domain.opinion import NoSignal
from services.signals.domain.protections import CooldownPeriod
from services.signals.domain.strategy import Strategy, tunable


@dataclass(frozen=True, slots=True, kw_only=True)
class __CLASS__Parameters:
    """What may be tuned; `sinyal optimize` looks for better values between low and high."""

    period: int = tunable(50, low=10, high=200, step=10)
    stop_ranges: float = tunable(2.0, low=0.5, high=5.0, step=0.25)
    rr: float = tunable(2.0, low=1.0, high=4.0, step=0.25)


class __CLASS__(Strategy[__CLASS__Parameters]):
    """Follows the price across its exponential average."""

    INTERFACE_VERSION = 2
    name = "__NAME__"
    version = "0.1.0"  # raise it when the same candles would give another signal
    intervals = (Interval.M5, Interval.M15, Interval.H1)  # the first one is used where none is named
    candles_needed = 201  # enough for the longest period
    window_length = 2  # candles in `view.window`
    parameters_type = __CLASS__Parameters

    def indicators(self):
        """Name what is computed, once for each closed candle, and found in `view.now` and `view.before`."""
        return {"average": Ema(self.parameters.period), "atr": Atr(14)}

    def evaluate(self, view):
        """Say what the candle that has just closed means; look at nothing but the view."""
        previous, candle = view.window
        was_above = previous.close > view.before.average
        is_above = candle.close > view.now.average
        if is_above == was_above:
            return NoSignal(("why.no_cross",))
        side = Side.BUY if is_above else Side.SELL
        return self.trade(side, view, reasons=(f"reason.average_crossed.{side.lower()}",))

    def levels(self, side, view, strength):
        """Place the stop some average ranges away from the close, and the target `rr` times as far."""
        distance = self.parameters.stop_ranges * view.now.atr
        return levels_at(side, view.candle.close, stop_distance=distance, rr=self.parameters.rr) if distance else None

    def protections(self):
        """Hold still for a while after each trade."""
        return (CooldownPeriod(stop_duration_candles=5),)
'''

EXAMPLE_TEST = '''\
"""__NAME__ keeps its contract and says what it should."""

from pathlib import Path

from contracts.messages import Side
from services.signals.adapters.strategy_catalogue import open_shelf
from services.signals.domain.candle import Candle
from services.signals.domain.columns import columns_of
from services.signals.domain.running import StrategyRun

FOLDER = Path(__file__).parents[1] / "strategies"


def candles(closes):
    """Return five-minute candles with these closes."""
    opens = [closes[0], *closes]
    return [
        Candle(300 * place, was, max(was, now) + 0.5, min(was, now) - 0.5, now, 50)
        for place, (was, now) in enumerate(zip(opens, closes, strict=False))
    ]


FALL_THEN_RISE = candles([4000 - 0.5 * step for step in range(250)] + [3875 + 2.0 * step for step in range(100)])


def signals_of(**parameters):
    """Return (place, signal) for every signal on the market that falls and then rises."""
    strategy = open_shelf(FOLDER).build("__NAME__", parameters)
    return list(StrategyRun(strategy).signals(columns_of(FALL_THEN_RISE)))


def test_it_buys_the_turn_and_nothing_else():
    [(place, signal)] = signals_of()

    assert signal.side is Side.BUY
    assert place >= 250
    assert signal.stop < signal.entry < signal.target


def test_a_wider_stop_is_further_away():
    [(_, near)], [(_, far)] = signals_of(stop_ranges=1.0), signals_of(stop_ranges=3.0)

    assert far.stop_distance > near.stop_distance


def test_candle_by_candle_it_says_the_same():
    run = StrategyRun(open_shelf(FOLDER).build("__NAME__", {}))

    told = [run.feed(candle) for candle in FALL_THEN_RISE]

    verdicts = ((place, list(one.verdicts.values())[0]) for place, one in enumerate(told))
    assert [(place, one) for place, one in verdicts if hasattr(one, "entry")] == signals_of()
'''


def new_strategy(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and underscores, such as night_breakout.")],
    folder: Annotated[
        Path | None, typer.Option(help="The folder of strategies; without it, the one that the live room reads.")
    ] = None,
) -> None:
    """Write a strategy that runs, and its test, into the folder of your strategies."""
    try:
        strategy, test = _write(name, folder or strategy_folder())
    except InputError as e:
        typer.echo(str(e), err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{strategy}\n{test}")
    typer.echo(f"next: pytest {test}", err=True)
    typer.echo(f"      sinyal backtest --strategy {name} --tape FILE", err=True)


def _write(name: str, folder: Path) -> tuple[Path, Path]:
    """Write both files; neither where one cannot be."""
    _check_name(name, folder)
    strategy, test = folder / f"{name}.py", folder.parent / "tests" / f"test_{name}.py"
    for path in (strategy, test):
        if path.exists():
            raise InputError(f"{path} exists already; choose another name or remove it")
    try:
        for path, text in ((strategy, EXAMPLE), (test, EXAMPLE_TEST)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("__NAME__", name).replace("__CLASS__", _class_name(name)), encoding="utf-8")
    except OSError as e:
        raise InputError(f"{e.filename} cannot be written ({e.strerror}); give a --folder that can") from e
    return strategy, test


def _check_name(name: str, folder: Path) -> None:
    if not re.fullmatch(NAME, name) or keyword.iskeyword(name) or name.startswith("test_"):
        proposal = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        is_good = re.fullmatch(NAME, proposal) and not keyword.iskeyword(proposal) and not proposal.startswith("test_")
        better = f", such as {proposal}" if is_good else ""
        raise InputError(f"{name!r}: must be lower-case letters, digits and underscores{better}; and no word of Python")
    taken = open_shelf(folder).types
    if name in taken:
        raise InputError(f"{name!r}: there is a strategy of that name already; taken are {', '.join(sorted(taken))}")


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
