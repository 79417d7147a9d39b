"""The strategy's own book: what its signals came to, counted from candles alone.

A protection asks how a strategy has fared. Subscribers fare differently, each by the time of joining and by settings,
so the question is put to a trade that belongs to nobody: one at a time, opened at the close of the signal's candle,
ended by the first candle that reaches its stop or its target; by the stop where a candle reaches both.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.messages import Side
from services.signals.domain.candle import Candle
from services.signals.domain.opinion import Signal

TRADES_KEPT = 200
"""More than any protection looks back on."""


@dataclass(frozen=True, slots=True)
class ReferenceTrade:
    """A closed trade: market times in seconds, the result in R (1 is the distance from entry to stop)."""

    side: Side
    opened_s: int
    closed_s: int
    r: float
    is_stopped: bool


class ReferenceBook:
    """The open reference trade, and the newest closed ones."""

    __slots__ = ("_closed", "_interval_s", "_open", "_opened_s")

    def __init__(self, interval_s: int) -> None:
        """Hold no trade; candles are `interval_s` seconds long."""
        self._interval_s = interval_s
        self._open: Signal | None = None
        self._opened_s = 0
        self._closed: deque[ReferenceTrade] = deque(maxlen=TRADES_KEPT)

    @property
    def closed(self) -> Sequence[ReferenceTrade]:
        """The newest closed trades, in the order in which they closed."""
        return self._closed

    def pass_candle(self, candle: Candle) -> None:
        """End the open trade where `candle` reaches one of its levels."""
        trade = self._open
        if trade is None:
            return
        exit_price = _exit_in(candle, trade)
        if exit_price is not None:
            r = (exit_price - trade.entry) * trade.side.sign / trade.stop_distance
            closed_s = candle.open_time_s + self._interval_s
            self._closed.append(ReferenceTrade(trade.side, self._opened_s, closed_s, r, is_stopped=r < 0))
            self._open = None

    def take(self, signal: Signal, candle: Candle) -> None:
        """Open a trade on a signal of `candle`, unless one is open."""
        if self._open is None:
            self._open = signal
            self._opened_s = candle.open_time_s + self._interval_s


def _exit_in(candle: Candle, trade: Signal) -> float | None:
    """Return the price at which `trade` ends in `candle`, a gap at its open included, or None."""
    sign = trade.side.sign
    adverse, favourable = (candle.low, candle.high) if sign > 0 else (candle.high, candle.low)
    if (adverse - trade.stop) * sign <= 0:
        return trade.stop if (candle.open - trade.stop) * sign > 0 else candle.open
    if (favourable - trade.target) * sign >= 0:
        return trade.target if (candle.open - trade.target) * sign < 0 else candle.open
    return None
