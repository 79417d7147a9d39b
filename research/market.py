"""The market of a backtest in columns: quotes of a tape, candles of an interval, and both together.

A column is a numpy array, so that ten million quotes cost 24 bytes each and a search between two signals is one
scan. Everything here is checked once, when it is taken in: what stands behind it may rely on order and on sense.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contracts.messages import Interval
from services.signals.domain.candle import Candle
from services.signals.domain.protections import Calendar

Floats = NDArray[np.float64]
Moments = NDArray[np.int64]
Places = NDArray[np.intp]

HIGHEST_PRICE = 1e12
"""Far above any quote; beyond it sums lose all their digits."""


DECIMALS = 8
"""What is kept of a mid plus or minus half a spread: drops binary noise, so that a touch is a touch."""


class MarketError(ValueError):
    """What is wrong with the market's columns, in one line that names the row (the first one is row 1)."""


@dataclass(frozen=True, eq=False)
class Ticks:
    """Quotes, oldest first: venue epoch in UTC milliseconds, bid and ask. Several may share a millisecond."""

    epoch_ms: Moments
    bid: Floats
    ask: Floats

    def __len__(self) -> int:
        return len(self.epoch_ms)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, float, float]]) -> "Ticks":
        """Gather rows of (epoch_ms, bid, ask), such as a tape's quotes."""
        kind = np.dtype([("epoch_ms", np.int64), ("bid", np.float64), ("ask", np.float64)])
        table = np.fromiter((tuple(row) for row in rows), dtype=kind)
        return cls(*(np.ascontiguousarray(table[name]) for name in ("epoch_ms", "bid", "ask")))

    def between(self, start_ms: int | None, end_ms: int | None) -> "Ticks":
        """Take the quotes with `start_ms <= epoch_ms < end_ms`; None is no bound. Nothing is copied."""
        first = 0 if start_ms is None else int(np.searchsorted(self.epoch_ms, start_ms))
        last = len(self) if end_ms is None else int(np.searchsorted(self.epoch_ms, end_ms))
        return Ticks(self.epoch_ms[first:last], self.bid[first:last], self.ask[first:last])

    def with_spread(self, spread: float) -> "Ticks":
        """Give every quote the same spread (in price) around its mid."""
        mid = (self.bid + self.ask) / 2
        return Ticks(self.epoch_ms, np.round(mid - spread / 2, DECIMALS), np.round(mid + spread / 2, DECIMALS))

    def check(self) -> None:
        """Raise MarketError for no quote at all, a price that is none, bid above ask, or time that goes backwards."""
        if not len(self):
            raise MarketError("there is no quote")
        _refuse_first(~((self.bid > 0) & (self.ask < HIGHEST_PRICE)), "bid and ask must be prices above zero")
        _refuse_first(self.bid > self.ask, "bid is above ask")
        _refuse_first(_goes_back(self.epoch_ms, may_stand_still=True), "time goes backwards; sort the rows by time")


@dataclass(frozen=True, eq=False)
class Candles:
    """Closed candles of one interval, oldest first, each time once. Prices are mids; `volume` counts quotes."""

    interval: Interval
    open_time_s: Moments
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.open_time_s)

    @classmethod
    def of(cls, interval: Interval, candles: Iterable[Candle]) -> "Candles":
        """Gather candles into columns."""
        rows = list(candles)
        times = np.array([candle.open_time_s for candle in rows], dtype=np.int64)
        names = ("open", "high", "low", "close", "volume")
        prices = {name: np.array([getattr(candle, name) for candle in rows], dtype=np.float64) for name in names}
        return cls(interval, times, **prices)

    @cached_property
    def rows(self) -> list[Candle]:
        """The same candles as a strategy sees them."""
        columns = (self.open_time_s, self.open, self.high, self.low, self.close, self.volume)
        return [Candle(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    @property
    def end_ms(self) -> Moments:
        """The moments at which the candles end, in milliseconds."""
        return (self.open_time_s + self.interval.seconds) * 1000

    def slice(self, first: int, last: int) -> "Candles":
        """Take the candles of [first, last). Nothing is copied."""
        floats = (self.open, self.high, self.low, self.close, self.volume)
        return Candles(self.interval, self.open_time_s[first:last], *(column[first:last] for column in floats))

    def check(self) -> None:
        """Raise MarketError for no candle at all, one that cannot be, or times that do not rise."""
        if not len(self):
            raise MarketError("there is no candle")
        least, most = np.minimum(self.open, self.close), np.maximum(self.open, self.close)
        is_sound = (self.low > 0) & (self.low <= least) & (most <= self.high) & (self.high < HIGHEST_PRICE)
        _refuse_first(~is_sound, "low and high must be prices with open and close between them")
        _refuse_first(~(self.volume >= 0), "volume must not be negative")
        _refuse_first(_goes_back(self.open_time_s, may_stand_still=False), "time does not rise; each time once, sorted")
        is_aligned = self.open_time_s % self.interval.seconds == 0
        _refuse_first(~is_aligned, f"the time is no beginning of an {self.interval} candle")


@dataclass(frozen=True, eq=False)
class Market:
    """What a backtest runs over: the candles that strategies see, and the quotes that positions live on.

    `ticks` is None where only candles are known; then `last_tick`, which quote each candle closed with, is None too.
    `calendar` is what was announced for it, for strategies that mind the news.
    """

    symbol: str
    candles: Candles
    ticks: Ticks | None = None
    last_tick: Places | None = None
    calendar: Calendar = ()


def _goes_back(moments: Moments, *, may_stand_still: bool) -> NDArray[np.bool_]:
    steps = np.diff(moments, prepend=moments[:1] - 1)
    return steps < 0 if may_stand_still else steps <= 0


def _refuse_first(is_wrong: NDArray[np.bool_], reason: str) -> None:
    if is_wrong.any():
        raise MarketError(f"row {int(is_wrong.argmax()) + 1}: {reason}")
