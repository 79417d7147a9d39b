"""The fast way to a strategy's trades: whole columns are asked where a signal may be, and only there it is judged.

A strategy that can read columns says for every candle of them whether it would buy or sell (`Strategy.sides`). Most
candles are settled by that. What is left is judged by the very code that runs live, and opened and ended by the very
account of the backtest; candles on which a trade is open are not judged at all, since no gate would let them pass. So
trades are equal as long as `sides` misses no signal, which a property test holds for every strategy that ships.

Columns are read in the same stretches as indicators are seeded in (`domain.anchors`), to the same bits.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np

from research.backtest import Desk, Span
from research.market import Candles, Market, Places
from services.signals.domain.anchors import Stretch, stretches
from services.signals.domain.candle import Candle
from services.signals.domain.columns import CandleColumns, Columns
from services.signals.domain.opinion import Signal
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import Strategy


class LazyRows(Sequence[Candle]):
    """The candles of columns one by one, each made when it is asked for."""

    __slots__ = ("_columns", "_first", "_last")

    def __init__(self, columns: tuple[Any, ...], first: int, last: int) -> None:
        self._columns = columns
        self._first = first
        self._last = last

    def __len__(self) -> int:
        return self._last - self._first

    @overload
    def __getitem__(self, at: int) -> Candle: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Candle]: ...
    def __getitem__(self, at: int | slice) -> Candle | Sequence[Candle]:
        """Make a candle, or the rows of a part."""
        if isinstance(at, slice):
            first, last, step = at.indices(len(self))
            assert step == 1
            return LazyRows(self._columns, self._first + first, self._first + max(first, last))
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        place = (self._last if at < 0 else self._first) + at
        return Candle(*(column[place].item() for column in self._columns))

    def __iter__(self) -> Iterator[Candle]:
        columns = (column[self._first : self._last].tolist() for column in self._columns)
        return (Candle(*row) for row in zip(*columns, strict=True))


class LazyCandles(Candles):
    """Candles whose rows are made when they are asked for: hardly any of them is."""

    @classmethod
    def of_columns(cls, candles: Candles) -> "LazyCandles":
        """Take the columns of other candles."""
        it = candles
        return cls(it.interval, it.open_time_s, it.open, it.high, it.low, it.close, it.volume)

    @cached_property
    def rows(self) -> Sequence[Candle]:  # type: ignore[override]
        """The candles one by one."""
        columns = (self.open_time_s, self.open, self.high, self.low, self.close, self.volume)
        return LazyRows(columns, 0, len(self))


def is_vectorisable(strategy: Strategy[Any], market: Market) -> bool:
    """Tell whether a strategy reads columns, and what it says does not hang on the trades it has made."""
    if any(protection.needs_trades for protection in strategy.protections()):
        return False
    return strategy.sides(_part(market.candles, 0, min(len(market.candles), 1))) is not None


def flagged(strategy: Strategy[Any], candles: Candles, span: Span) -> Iterator[tuple[Stretch, Places]]:
    """Find the places of a span where a signal may be, stretch by stretch."""
    for stretch in stretches(candles.open_time_s, candles.interval.seconds):
        first, last = max(stretch.first, span.first), min(stretch.last, span.last)
        if first < last:
            sides = strategy.sides(_part(candles, stretch.seed, last))
            assert sides is not None  # asked before
            places = np.flatnonzero(sides[first - stretch.seed :]) + first
            if len(places):
                yield stretch, places


def found(strategy: Strategy[Any], market: Market, span: Span, desk: Desk) -> Iterator[tuple[int, Signal]]:
    """Yield the signals that matter to a desk, which hears each before the next is looked for."""
    ends_ms = market.candles.end_ms
    free = 0
    for stretch, places in flagged(strategy, market.candles, span):
        at = int(places.searchsorted(free))
        while at < len(places):
            place = int(places[at])
            for signal in _signals_at(strategy, market.candles, stretch, place):
                yield place, signal
                free = _free_from(desk, span, ends_ms)
            at = int(places.searchsorted(max(place + 1, free)))


def _signals_at(strategy: Strategy[Any], candles: Candles, stretch: Stretch, place: int) -> list[Signal]:
    """Ask the strategy about one candle, by the code that runs live, on indicators fed from the stretch's seed."""
    fed = _part(candles, stretch.seed, place + 1)
    return [signal for _, signal in StrategyRun(strategy).signals(fed, place - stretch.seed)]


def _free_from(desk: Desk, span: Span, ends_ms: Any) -> int:
    """Find the first candle whose signal may be offered when the last trade has ended.

    One candle early: a signal that waits for the next quote is offered later than its candle ends.
    """
    account = desk.account
    if account.unfinished is not None:
        return span.last
    trades = account.trades
    return int(np.searchsorted(ends_ms, trades[-1].closed_ms)) - 1 if trades else 0


def _part(candles: Candles, first: int, last: int) -> Columns:
    it = candles
    return CandleColumns(
        it.open_time_s[first:last],
        it.open[first:last],
        it.high[first:last],
        it.low[first:last],
        it.close[first:last],
        it.volume[first:last],
        LazyRows((it.open_time_s, it.open, it.high, it.low, it.close, it.volume), first, last),
    )
