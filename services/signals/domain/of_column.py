"""An indicator of plain numbers, fed with one column of candles."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from services.signals.domain.candle import Candle
from services.signals.domain.classic import Columnar
from services.signals.domain.columns import Columns, Floats
from services.signals.domain.indicator import Indicator, fill_tail

Value = TypeVar("Value")


@runtime_checkable
class FillsArrays(Protocol):
    """An indicator of numbers that can read a whole array, to the same bits as number by number."""

    def fill_array(self, points: Floats, *, count: int) -> Sequence[Any]:
        """Start again on `points`, go on from their end, and return the values at the last `count` of them."""
        ...


@runtime_checkable
class GivesArrays(Protocol):
    """An indicator of numbers that gives its values over a whole array as one, NaN where undefined."""

    def array(self, points: Floats) -> Floats:
        """Return a value for each of `points`; nothing is remembered of them."""
        ...


class OfColumn(Columnar[Value], Generic[Value]):
    """`OfColumn("close", ExponentialAverage(20))` is the product's own EMA 20 of the close."""

    __slots__ = ("_column", "_inner", "_take", "memory", "value")

    def __init__(self, column: str, inner: Indicator[float, Value]) -> None:
        """Feed `inner` with the candle's field `column`."""
        self._column = column
        self._inner = inner
        self._take = attrgetter(column)
        self.memory = inner.memory
        self.value: Value = inner.value

    def reset(self) -> None:
        """Forget every candle."""
        self._inner.reset()
        self.value = self._inner.value

    def update(self, point: Candle) -> Value:
        """Take the next closed candle and return the value at it."""
        self.value = value = self._inner.update(self._take(point))
        return value

    def peek(self, point: Candle) -> Value:
        """Return the value that `update(point)` would give."""
        return self._inner.peek(self._take(point))

    def fill_columns(self, columns: Columns, *, count: int) -> Sequence[Value]:
        """Fill the inner indicator, whole arrays at once where it can."""
        points: Floats = getattr(columns, self._column)
        if isinstance(self._inner, FillsArrays):
            values: Sequence[Value] = self._inner.fill_array(points, count=count)
        else:
            values = fill_tail(self._inner, points.tolist(), count=count)
        self.value = self._inner.value
        return values

    def array(self, columns: Columns) -> Any:
        """Return the inner indicator's values over the whole column, at once where it can."""
        if isinstance(self._inner, GivesArrays):
            return self._inner.array(getattr(columns, self._column))
        return super().array(columns)
