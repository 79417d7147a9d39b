"""What every indicator promises, so that live trading, charts and backtests drive it the same way.

An indicator is fed one closed point after another, oldest first. The cost of a point never depends on how many came
before it. A value is a function of the points alone: feeding the same points gives the same bits, whenever the first
of them was seen. Nothing here keeps a running sum, because its rounding error would remember history that has left.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

Point = TypeVar("Point")
Value = TypeVar("Value")


class Indicator(ABC, Generic[Point, Value]):
    """One formula with the state it needs to go on.

    `memory` is the number of newest points that a value depends on, or None when it depends on all of them since the
    first (an average seeded there). Undefined values are None, or a record whose fields are None.
    """

    __slots__ = ()

    memory: int | None
    value: Value

    @abstractmethod
    def reset(self) -> None:
        """Forget every point."""

    @abstractmethod
    def update(self, point: Point) -> Value:
        """Take the next closed point and return the value at it."""

    @abstractmethod
    def peek(self, point: Point) -> Value:
        """Return the value that `update(point)` would give, for a point still forming; nothing is remembered."""

    def open_and_fill(self, history: Iterable[Point]) -> list[Value]:
        """Start again on `history`, oldest first, and return one value for each of its points."""
        self.reset()
        return [self.update(point) for point in history]


def fill_tail(indicator: Indicator[Point, Value], history: Sequence[Point], *, count: int) -> list[Value]:
    """Return the last `count` values over `history`, feeding no point that cannot matter to them.

    Gives exactly `indicator.open_and_fill(history)[-count:]`.
    """
    if indicator.memory is not None:
        history = history[-(indicator.memory + count - 1) :]
    return indicator.open_and_fill(history)[-count:]
