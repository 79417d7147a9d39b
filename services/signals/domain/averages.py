"""Averages of a series of numbers: exponential, simple, and the difference of two (MACD)."""

from typing import NamedTuple

from services.signals.domain.indicator import Indicator
from services.signals.domain.rolling import Ring


class ExponentialAverage(Indicator[float, float | None]):
    """EMA: each point moves the average by α = 2/(period+1) of its distance; the first point is the seed.

    Source: https://www.investopedia.com/terms/e/ema.asp; the seed is this product's choice (TA-Lib seeds with a simple
    mean, so the two only meet after some hundred points).
    """

    __slots__ = ("_weight", "memory", "value")

    def __init__(self, period: int) -> None:
        """Average with the weight of `period` points, which need not have come."""
        self._weight = 2.0 / (period + 1)
        self.memory = None
        self.reset()

    def reset(self) -> None:
        """Forget every point."""
        self.value: float | None = None

    def update(self, point: float) -> float:
        """Take the next number and return the average at it."""
        before = self.value
        # The distance form keeps a flat series exactly flat, so that a MACD of it is 0 and not a rounding residue.
        self.value = after = point if before is None else before + self._weight * (point - before)
        return after

    def peek(self, point: float) -> float:
        """Return the average that `update(point)` would give."""
        before = self.value
        return point if before is None else before + self._weight * (point - before)


class SimpleAverage(Indicator[float, float | None]):
    """SMA: the plain mean of the last `period` numbers; None until there are as many."""

    __slots__ = ("_ring", "memory", "value")

    def __init__(self, period: int) -> None:
        """Average over `period` numbers."""
        self._ring = Ring(period)
        self.memory = period
        self.reset()

    def reset(self) -> None:
        """Forget every point."""
        self._ring.clear()
        self.value: float | None = None

    def update(self, point: float) -> float | None:
        """Take the next number and return the mean at it."""
        self._ring.push(point)
        self.value = self._ring.mean()
        return self.value

    def peek(self, point: float) -> float | None:
        """Return the mean that `update(point)` would give."""
        return self._ring.mean_with(point)


class MacdValue(NamedTuple):
    """MACD at one candle, in the unit of the price."""

    line: float
    signal: float
    histogram: float


class Macd(Indicator[float, MacdValue | None]):
    """MACD: the fast EMA minus the slow one, its own EMA as the signal, and their difference as the histogram.

    All three averages are seeded with their first point, so a value stands from the first close on.
    Source: G. Appel; https://www.investopedia.com/terms/m/macd.asp.
    """

    __slots__ = ("_fast", "_signal", "_slow", "memory", "value")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        """Take the three periods, in points."""
        self._fast = ExponentialAverage(fast)
        self._slow = ExponentialAverage(slow)
        self._signal = ExponentialAverage(signal)
        self.memory = None
        self.reset()

    def reset(self) -> None:
        """Forget every point."""
        for average in (self._fast, self._slow, self._signal):
            average.reset()
        self.value: MacdValue | None = None

    def update(self, point: float) -> MacdValue:
        """Take the next close and return MACD at it."""
        line = self._fast.update(point) - self._slow.update(point)
        signal = self._signal.update(line)
        self.value = after = MacdValue(line, signal, line - signal)
        return after

    def peek(self, point: float) -> MacdValue:
        """Return the MACD that `update(point)` would give."""
        line = self._fast.peek(point) - self._slow.peek(point)
        signal = self._signal.peek(line)
        return MacdValue(line, signal, line - signal)
