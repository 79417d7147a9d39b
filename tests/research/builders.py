"""What the tests of the research are made of: small markets, and a strategy that says what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import strategies as st

from contracts.messages import Interval, Side
from research.market import Candles, Ticks
from research.trades import Rules
from services.positions.domain.gates import GateRules
from services.positions.domain.instrument import INSTRUMENTS
from services.positions.domain.plans import PLAIN
from services.signals.domain.candle import Candle
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.strategy import Strategy
from services.signals.domain.view import View

GOLD = INSTRUMENTS["XAUUSD"]
NOON_S = 1_767_614_400  # Monday 2026-01-05 12:00 UTC
NOON_MS = NOON_S * 1000

SILENT = NoSignal(("why.told_nothing",))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParameters:
    pass


class Told(Strategy[NoParameters]):
    """Says on a candle (by its open time) what a test told it to say, and nothing on all others."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "told"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = tuple(Interval)
    candles_needed: ClassVar[int] = 1
    parameters_type: ClassVar[type] = NoParameters

    def __init__(self, sayings: Mapping[int, Signal]) -> None:
        super().__init__(NoParameters())
        self._sayings = sayings

    def evaluate(self, view: View) -> Signal | NoSignal:
        return self._sayings.get(view.candle.open_time_s, SILENT)


def a_signal(side: Side, entry: float, *, stop: float = 2.0, target: float = 3.0) -> Signal:
    """A signal whose stop and target are these distances away."""
    return Signal(
        side=side, entry=entry, stop=entry - side.sign * stop, target=entry + side.sign * target,
        rr=target / stop, strength=0.5, reasons=("reason.told",),
    )  # fmt: skip


def rules(**changes: Any) -> Rules:
    """One target, one stop, nothing that moves, no gate but the open position, and a feed that is always live."""
    plain = {"instrument": GOLD, "plan": PLAIN, "gates": GateRules(cooldown_s=0, same_side_s=0), "silence_ms": 1 << 40}
    return Rules(**plain | changes)


def ticks_at(*rows: tuple[float, float], spread: float = 0.2) -> Ticks:
    """Quotes from (seconds after noon, bid)."""
    return Ticks.of((NOON_MS + round(after_s * 1000), bid, round(bid + spread, 2)) for after_s, bid in rows)


def candles_of(*rows: tuple[float, float, float, float], interval: Interval = Interval.M1) -> Candles:
    """Candles from (open, high, low, close), one after another from noon on."""
    length_s = interval.seconds
    return Candles.of(interval, [Candle(NOON_S + length_s * at, *row, 10.0) for at, row in enumerate(rows)])


def tick_lists(*, least: int = 1, most: int = 200) -> st.SearchStrategy[Ticks]:
    """Random quotes on a grid of five cents: equal moments, silences, jumps over levels and wide spreads are common."""
    pause_ms = st.sampled_from([0, 0, 1, 300, 300, 900, 900, 2_500, 11_000, 59_000, 130_000])
    move = st.sampled_from([0, 1, -1, 3, -3, 3, -3, 8, -8, 8, -8, 25, -25, 70, -70])
    spread = st.sampled_from([2, 2, 2, 4, 6, 22])
    return st.lists(st.tuples(pause_ms, move, spread), min_size=least, max_size=most).map(_walked)


def _walked(steps: list[tuple[int, int, int]]) -> Ticks:
    moment_ms, twentieths, rows = NOON_MS, 80_000, []
    for pause_ms, move, spread in steps:
        moment_ms += pause_ms
        twentieths += move
        rows.append((moment_ms, twentieths / 20, (twentieths + spread) / 20))
    return Ticks.of(rows)
