"""One trial of a search: a set of parameters, run over the in-sample span in parts, given up early where it is poor.

A run goes on from part to part and is judged on all trades closed so far. The same parameters, market and hurdles give
the same outcome, in whichever process they are tried.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from research.collector import resting
from research.market import Market
from research.runs import run_in_parts
from research.search.objectives import Objective, score
from research.search.spaces import Number
from research.statistics import Closed
from research.trades import Rules
from services.signals.domain.strategy import Strategy

Build = Callable[[Mapping[str, Number]], Strategy[Any]]
"""Makes the strategy with these parameters. Must be picklable: each worker has its own."""

FEWEST_IN_PART = 5
"""A part run is judged from so many trades on."""


class Ending(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    """Given up: below the median of its fellows half-way."""
    TOO_FEW = "too_few"
    """Ran to the end, and made too few trades to mean anything."""
    REFUSED = "refused"
    """The strategy does not take these parameters together."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all trials of a search share. `bounds_ms` end the parts, rising; the last one ends the in-sample span."""

    build: Build
    market: Market
    rules: Rules
    bounds_ms: tuple[int, ...]
    objective: Objective
    fewest: int


@dataclass(frozen=True, slots=True)
class Task:
    """A trial to be run. `hurdles` are the least value to go on with after each part but the last; None: no hurdle."""

    index: int
    parameters: Mapping[str, Number]
    hurdles: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a trial came to. `steps` are the values after each part that was run; `value` is None without a verdict."""

    index: int
    parameters: Mapping[str, Number]
    ending: Ending
    value: float | None
    steps: tuple[float | None, ...] = ()
    trades: int = 0
    pnl: float = 0.0


def run_trial(job: Job, task: Task) -> Outcome:
    """Run a trial to its end, or to the hurdle that it does not take."""
    try:
        strategy = job.build(task.parameters)
    except ValueError:
        return Outcome(index=task.index, parameters=task.parameters, ending=Ending.REFUSED, value=None)
    with resting():
        return _run(job, task, strategy)


def _run(job: Job, task: Task, strategy: Strategy[Any]) -> Outcome:
    steps: list[float | None] = []
    trades: Sequence[Closed] = ()
    for part, trades in enumerate(run_in_parts(strategy, job.market, job.rules, job.bounds_ms)):
        is_last = part == len(job.bounds_ms) - 1
        steps.append(_judge(job, trades, part, fewest=job.fewest if is_last else FEWEST_IN_PART))
        if not is_last and _is_below(steps[-1], task.hurdles[part] if part < len(task.hurdles) else None):
            return _outcome(task, Ending.PRUNED, steps, trades)
    return _outcome(task, Ending.TOO_FEW if steps[-1] is None else Ending.COMPLETE, steps, trades)


def ends_until(market: Market, rules: Rules, until_ms: int) -> list[int]:
    """List the ends of the candles that were tested up to a moment: the time that daily numbers are counted in."""
    ends_ms = market.candles.end_ms
    is_tested = ends_ms <= until_ms
    if rules.from_ms is not None:
        is_tested &= ends_ms > rules.from_ms
    return [int(end) for end in ends_ms[is_tested]]


def _judge(job: Job, trades: Sequence[Closed], part: int, *, fewest: int) -> float | None:
    ends_ms = ends_until(job.market, job.rules, job.bounds_ms[part]) if job.objective is Objective.SHARPE else ()
    return score(job.objective, trades, candle_ends_ms=ends_ms, fewest=fewest)


def _is_below(value: float | None, hurdle: float | None) -> bool:
    return value is not None and hurdle is not None and value < hurdle


def _outcome(task: Task, ending: Ending, steps: Sequence[float | None], trades: Sequence[Closed]) -> Outcome:
    return Outcome(
        index=task.index,
        parameters=task.parameters,
        ending=ending,
        value=steps[-1] if ending is Ending.COMPLETE else None,
        steps=tuple(steps),
        trades=len(trades),
        pnl=float(sum(trade.pnl for trade in trades)),
    )


def parts_of(from_ms: int, until_ms: int, count: int) -> Iterator[int]:
    """Cut a span into equal parts; yields the end of each."""
    for part in range(1, count + 1):
        yield from_ms + (until_ms - from_ms) * part // count
