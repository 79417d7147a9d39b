"""Indicators of how far prices travel: the average true range and the Twin Range Filter."""

from typing import NamedTuple

from services.signals.domain.averages import ExponentialAverage
from services.signals.domain.candle import Candle
from services.signals.domain.indicator import Indicator
from services.signals.domain.rolling import Ring


class AverageTrueRange(Indicator[Candle, float | None]):
    """ATR on a plain mean of the last `period` true ranges, in the unit of the price; not Wilder's smoothing.

    True range = max(high − low, |high − previous close|, |low − previous close|); of the very first candle, which has
    no previous close, high − low. Source: J. W. Wilder, "New Concepts in Technical Trading Systems" (1978), p. 21.
    """

    __slots__ = ("_previous_close", "_ring", "memory", "value")

    def __init__(self, period: int = 14) -> None:
        """Average over `period` candles."""
        self._ring = Ring(period)
        self.memory = period + 1  # the oldest true range looks back at one more close
        self.reset()

    def reset(self) -> None:
        """Forget every candle."""
        self._ring.clear()
        self._previous_close: float | None = None
        self.value: float | None = None

    def update(self, point: Candle) -> float | None:
        """Take the next closed candle and return ATR at it."""
        self._ring.push(_true_range(point, self._previous_close))
        self._previous_close = point.close
        self.value = self._ring.mean()
        return self.value

    def peek(self, point: Candle) -> float | None:
        """Return the ATR that `update(point)` would give."""
        return self._ring.mean_with(_true_range(point, self._previous_close))


def _true_range(candle: Candle, previous_close: float | None) -> float:
    if previous_close is None:
        return candle.high - candle.low
    return max(candle.high, previous_close) - min(candle.low, previous_close)


class TwinRangeValue(NamedTuple):
    """Twin Range Filter at one candle: the bands in the unit of the price, the trend −1, 0 or +1."""

    upper: float
    lower: float
    trend: int


class TwinRangeFilter(Indicator[Candle, TwinRangeValue | None]):
    """Two smoothed bands around the close; the trend turns when a close leaves the bands of the candle before.

    b = multiple · EMA(high − low); upper = EMA(close + b); lower = EMA(close − b); trend = +1 if close > the previous
    upper, −1 if close < the previous lower, else as before, starting at 0.
    Source: product specification, section 3. It is not the two-range script published under the same name.
    """

    __slots__ = ("_lower", "_multiple", "_range", "_upper", "memory", "value")

    def __init__(self, period: int = 27, multiple: float = 2.0) -> None:
        """Take the period of all three averages, in candles, and the band's width in average ranges."""
        self._multiple = multiple
        self._range = ExponentialAverage(period)
        self._upper = ExponentialAverage(period)
        self._lower = ExponentialAverage(period)
        self.memory = None
        self.reset()

    def reset(self) -> None:
        """Forget every candle."""
        for average in (self._range, self._upper, self._lower):
            average.reset()
        self.value: TwinRangeValue | None = None

    def update(self, point: Candle) -> TwinRangeValue:
        """Take the next closed candle and return the filter at it."""
        half_width = self._multiple * self._range.update(point.high - point.low)
        trend = self._trend_at(point.close)
        upper = self._upper.update(point.close + half_width)
        self.value = after = TwinRangeValue(upper, self._lower.update(point.close - half_width), trend)
        return after

    def peek(self, point: Candle) -> TwinRangeValue:
        """Return the filter that `update(point)` would give."""
        half_width = self._multiple * self._range.peek(point.high - point.low)
        upper = self._upper.peek(point.close + half_width)
        return TwinRangeValue(upper, self._lower.peek(point.close - half_width), self._trend_at(point.close))

    def _trend_at(self, close: float) -> int:
        before = self.value
        if before is None:
            return 0
        if close > before.upper:
            return 1
        return -1 if close < before.lower else before.trend
