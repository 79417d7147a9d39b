"""What a strategy says, in a form that two runs can be compared in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contracts.messages import Mode
from research.market import Candles
from services.signals.domain.opinion import Signal
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import Strategy

Said = tuple[str, float, float, float]
"""Side, entry, stop, target."""
Sayings = Mapping[int, Said]
"""Signals by the open time of their candle, in seconds."""


class Probe(StrEnum):
    """A way to catch a strategy that knows more than its closed candles."""

    FED = "fed"
    """Candle by candle, as live, where no later candle exists, against whole columns."""
    CUT = "cut"
    """The data ends with the candle that is judged."""
    BENT = "bent"
    """Other candles follow the one that is judged."""
    AGAIN = "again"
    """The same run once more in the same process: what was remembered of the first must not matter."""
    MOVED = "moved"
    """The same prices at another time: a file or a calendar of the real future no longer fits."""
    CLOCK = "clock"
    """A fresh process whose clock goes wrong: only candles may tell the time."""
    DOORS = "doors"
    """No file and no connection is opened while candles are judged."""
    COLUMNS = "columns"
    """Where the strategy reads whole columns, they show every signal that it gives candle by candle."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A candle on which two runs disagree, or something that was done there. `expected` is what the whole run said."""

    probe: Probe
    open_time_s: int | None
    expected: str
    got: str


def say(said: Said | None) -> str:
    """Write a signal in a few words."""
    if said is None:
        return "no signal"
    side, entry, stop, target = said
    return f"{side} at {entry:.2f}, stop {stop:.2f}, target {target:.2f}"


def as_said(signal: Signal) -> Said:
    """Take from a signal what is compared."""
    return signal.side.value, signal.entry, signal.stop, signal.target


def in_columns(strategy: Strategy[Any], candles: Candles, first: int = 0, last: int | None = None) -> Sayings:
    """Run over whole columns, as a backtest does."""
    times_s = candles.open_time_s
    return {int(times_s[place]): as_said(it) for place, it in StrategyRun(strategy).signals(candles, first, last)}


def one_by_one(strategy: Strategy[Any], candles: Candles) -> Sayings:
    """Feed candle by candle, as live: a candle is made only when it is fed."""
    run, found = StrategyRun(strategy), {}
    for candle in candles.rows:
        verdict = run.feed(candle).verdict(Mode.AUTO)
        if isinstance(verdict, Signal):
            found[candle.open_time_s] = as_said(verdict)
    return found


def differing(probe: Probe, whole: Sayings, other: Sayings) -> list[Finding]:
    """Compare two runs over the same candles."""
    times = sorted(whole.keys() | other.keys())
    return [
        Finding(probe, time_s, say(whole.get(time_s)), say(other.get(time_s)))
        for time_s in times
        if whole.get(time_s) != other.get(time_s)
    ]
