"""The last N numbers: their mean and their extreme.

Sums are taken afresh over the N numbers, oldest first, so that a mean of zeros is zero and two readers who joined at
different times agree to the last bit.
"""

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class Ring:
    """The newest `length` numbers in order of arrival."""

    __slots__ = ("_numbers", "length")

    def __init__(self, length: int) -> None:
        """Hold `length` numbers at most, and none yet."""
        self.length = length
        self._numbers: deque[float] = deque(maxlen=length)

    def clear(self) -> None:
        """Hold no number."""
        self._numbers.clear()

    def push(self, number: float) -> None:
        """Take a number and let the oldest go once there are more than `length`."""
        self._numbers.append(number)

    def mean(self) -> float | None:
        """Return the mean of the held numbers, or None while there are fewer than `length`."""
        numbers = self._numbers
        return _sum(numbers) / self.length if len(numbers) == self.length else None

    def mean_with(self, number: float) -> float | None:
        """Return the mean that would stand after `push(number)`."""
        numbers = self._numbers.copy()
        numbers.append(number)
        return _sum(numbers) / self.length if len(numbers) == self.length else None


def _sum(numbers: Iterable[float]) -> float:
    """Add one after another: the built-in `sum` has carried its rounding error along since Python 3.12."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def rolling_means(numbers: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return the means of every `length` numbers in a row, to the bits that a `Ring` gives.

    There are `length` numbers or more; the answer is shorter than them by `length` − 1.
    """
    places = len(numbers) - length + 1
    total = np.zeros(places)
    for offset in range(length):  # the same order of additions, for all places at once
        total += numbers[offset : offset + places]
    return total / length


class RollingMaximum:
    """The greatest of the newest `length` numbers, in amortised constant time.

    Keeps only numbers that can still become the greatest: a falling queue, each with the position at which it came.
    Source: the ascending minima algorithm, R. Harter, https://richardhartersworld.com/slidingmin/.
    """

    __slots__ = ("_count", "_falling", "length")

    def __init__(self, length: int) -> None:
        """Look back over `length` numbers, and none yet."""
        self.length = length
        self.clear()

    def clear(self) -> None:
        """Hold no number."""
        self._count = 0
        self._falling: deque[tuple[int, float]] = deque()

    def push(self, number: float) -> None:
        """Take a number and let the one `length` places before it go."""
        falling = self._falling
        while falling and falling[-1][1] <= number:
            falling.pop()
        falling.append((self._count, number))
        if falling[0][0] <= self._count - self.length:
            falling.popleft()
        self._count += 1

    def greatest(self) -> float | None:
        """Return the greatest held number, or None while there are fewer than `length`."""
        return self._falling[0][1] if self._count >= self.length else None

    def greatest_with(self, number: float) -> float | None:
        """Return the greatest that would stand after `push(number)`."""
        if self._count + 1 < self.length:
            return None
        oldest_position = self._count - self.length + 1
        return max(number, next((held for position, held in self._falling if position >= oldest_position), number))


class PriceRange:
    """The highest high and the lowest low of the newest `length` candles."""

    __slots__ = ("_highs", "_lows")

    def __init__(self, length: int) -> None:
        """Look back over `length` candles, and none yet."""
        self._highs = RollingMaximum(length)
        self._lows = RollingMaximum(length)

    def clear(self) -> None:
        """Hold no candle."""
        self._highs.clear()
        self._lows.clear()

    def push(self, *, high: float, low: float) -> None:
        """Take the next candle's extremes."""
        self._highs.push(high)
        self._lows.push(-low)  # the lowest low is the greatest of the negated lows, and negation is exact

    def extremes(self) -> tuple[float, float] | None:
        """Return (highest, lowest), or None while there are fewer than `length` candles."""
        return _as_extremes(self._highs.greatest(), self._lows.greatest())

    def extremes_with(self, *, high: float, low: float) -> tuple[float, float] | None:
        """Return the extremes that would stand after `push`."""
        return _as_extremes(self._highs.greatest_with(high), self._lows.greatest_with(-low))


def _as_extremes(highest: float | None, negated_lowest: float | None) -> tuple[float, float] | None:
    return None if highest is None or negated_lowest is None else (highest, -negated_lowest)
