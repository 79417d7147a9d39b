"""Walk-forward: parameters are found on a window, tried on the next stretch, and found anew as time goes on.

What comes out of sample, joined, is what an operator would have had who searched again at every step.

Source: R. Pardo, "The Evaluation and Optimization of Trading Strategies", 2nd edition, Wiley 2008, chapter 11.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from research.backtest import TooShortError
from research.market import Candles, Market
from research.runs import run_in_parts
from research.search.asking import PARTS, Question
from research.search.objectives import score
from research.search.record import opened
from research.search.rounds import Rounds
from research.search.search import search
from research.search.splits import Unseen
from research.search.trials import Job, Outcome, ends_until, parts_of, run_trial
from research.search.workers import employed
from research.statistics import Summary, summarise
from research.trades import Trade

DAY_MS = 86_400_000
TRAIN_PER_TEST = 3
"""Where no lengths are given, a window is searched that is so many times as long as the one it is tried on."""
USUAL_STEPS = 5
FEWEST_TO_TEST = 5


@dataclass(frozen=True, slots=True)
class Window:
    """A step: [from_ms, at_ms) to search in, [at_ms, until_ms) to try on."""

    number: int
    from_ms: int
    at_ms: int
    until_ms: int

    @property
    def train_days(self) -> float:
        """Length of the first part, in days of the calendar."""
        return (self.at_ms - self.from_ms) / DAY_MS

    @property
    def test_days(self) -> float:
        """Length of the second part, in days of the calendar."""
        return (self.until_ms - self.at_ms) / DAY_MS


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: the best found in sample (None: no trial made enough trades), and its trades after it."""

    window: Window
    best: Outcome | None
    unseen: Unseen
    trades: tuple[Trade, ...]


Told = Callable[[int, int], None]
"""Hears how many trials are done, and of how many in all."""


def windows_of(candles: Candles, *, first: int, train: int | None, test: int | None, anchored: bool) -> list[Window]:
    """Lay windows over the candles from place `first` on; lengths are candles. Anchored ones all begin at `first`.

    Windows out of sample follow each other without a gap; the last one takes what is left if that is at least half.
    Raises TooShortError where not one fits.
    """
    count = len(candles) - first
    step = test or (count - (train or 0)) // (USUAL_STEPS + (0 if train else TRAIN_PER_TEST))
    length = train or TRAIN_PER_TEST * step
    if step < 1 or count < length + step:
        raise TooShortError(f"windows of {length} and {step} candles do not fit into {count}; ask for shorter ones")
    opens_ms, ends_ms = candles.open_time_s * 1000, candles.end_ms
    found = []
    for number, cut in enumerate(range(first + length, len(candles) - step // 2, step), 1):
        last = min(cut + step, len(candles)) - 1
        begin = first if anchored else cut - length
        found.append(Window(number, int(opens_ms[begin]), int(opens_ms[cut]), int(ends_ms[last])))
    return found


def walk(question: Question, windows: list[Window], told: Told | None = None) -> Iterator[Step]:
    """Take the steps one after another."""
    for done, window in enumerate(windows):
        heard = None if told is None else partial(_tell, told, done * question.trials, len(windows) * question.trials)
        yield _step(question, window, heard)


def _tell(told: Told, before: int, total: int, done: int, _best: Outcome | None) -> None:
    told(before + done, total)


def _step(question: Question, window: Window, told: Callable[[int, Outcome | None], None] | None) -> Step:
    rules = replace(question.rules, from_ms=window.from_ms)
    bounds_ms = tuple(parts_of(window.from_ms, window.at_ms, PARTS))
    job = Job(question.build, question.market, rules, bounds_ms, question.objective, question.fewest)
    rounds = Rounds(question.space, seed=question.seed, prune=question.prune)
    with (
        opened(None, {}, question.space.distributions) as record,
        employed(partial(run_trial, job), question.workers) as crew,
    ):
        best = search(rounds, record, crew, trials=question.trials, told=told).best
    if best is None:
        return Step(window, None, Unseen(None, 0, 0.0), ())
    return _tried(job, window, best)


def _tried(job: Job, window: Window, best: Outcome) -> Step:
    """Try what was found on the stretch behind it."""
    rules = replace(job.rules, from_ms=window.at_ms)
    *_, trades = run_in_parts(job.build(best.parameters), job.market, rules, [window.until_ms])
    ends_ms = ends_until(job.market, rules, window.until_ms)
    value = score(job.objective, trades, candle_ends_ms=ends_ms, fewest=FEWEST_TO_TEST)
    return Step(window, best, Unseen(value, len(trades), float(sum(trade.pnl for trade in trades))), trades)


def efficiency(steps: list[Step]) -> float | None:
    """Measure how much of the P/L a day that was found in sample is kept out of sample; None where nothing was won.

    Above a half is held to be sound (Pardo, chapter 11); near or below zero nothing was found but noise.
    """
    found = [step for step in steps if step.best is not None]
    trained = sum(step.best.pnl for step in found if step.best is not None)
    days = sum(step.window.train_days for step in found)
    if trained <= 0 or not days:
        return None
    tested = sum(step.unseen.pnl for step in found) / sum(step.window.test_days for step in found)
    return tested / (trained / days)


def joined(steps: list[Step], market: Market) -> Summary:
    """Count what came out of sample over all steps, as one row of trades."""
    trades = [trade for step in steps for trade in step.trades]
    ends_ms = market.candles.end_ms
    is_tested = (ends_ms > steps[0].window.at_ms) & (ends_ms <= steps[-1].window.until_ms)
    return summarise(trades, candle_ends_ms=ends_ms[is_tested].tolist())
