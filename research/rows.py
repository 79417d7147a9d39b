"""Candles one by one, made when they are asked for: most strategies look at hardly any of them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

from research.market import Candles
from services.signals.domain.candle import Candle
from services.signals.domain.strategy import Strategy


class LazyRows(Sequence[Candle]):
    """The rows of columns over [first, last)."""

    __slots__ = ("_columns", "_first", "_last", "_made", "_place")

    def __init__(self, columns: tuple[Any, ...], first: int, last: int) -> None:
        self._columns = columns
        self._first = first
        self._last = last
        self._place = -1
        self._made: Candle | None = None

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
        if place != self._place or self._made is None:  # a strategy looks at the same one several times
            self._made, self._place = Candle(*[column.item(place) for column in self._columns]), place
        return self._made

    def __iter__(self) -> Iterator[Candle]:
        columns = (column[self._first : self._last].tolist() for column in self._columns)
        return (Candle(*row) for row in zip(*columns, strict=True))


class LazyCandles(Candles):
    """Candles whose rows are made when they are asked for."""

    @cached_property
    def rows(self) -> Sequence[Candle]:  # type: ignore[override]
        """The candles one by one."""
        columns = (self.open_time_s, self.open, self.high, self.low, self.close, self.volume)
        return LazyRows(columns, 0, len(self))


def rows_for(strategy: Strategy[Any], candles: Candles) -> Candles:
    """Choose the cheaper form of rows: a window is read again and again, a single candle hardly ever."""
    if strategy.window_length > 1:
        return candles
    it = candles
    return LazyCandles(it.interval, it.open_time_s, it.open, it.high, it.low, it.close, it.volume)
