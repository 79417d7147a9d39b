"""Oscillators between 0 and 100: relative strength, stochastic, and the market bias called CEREBR."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.signals.domain.averages import ExponentialAverage, SimpleAverage
from services.signals.domain.candle import Candle
from services.signals.domain.indicator import Indicator
from services.signals.domain.rolling import PriceRange, Ring, rolling_means


class RelativeStrength(Indicator[float, float | None]):
    """RSI on plain means: G and L are the means of the last `period` rises and falls, 100 − 100/(1 + G/L).

    No fall at all gives 100; neither rise nor fall is undefined. This is Cutler's form, not Wilder's smoothed one.
    Source: product specification, section 3; https://en.wikipedia.org/wiki/Relative_strength_index (Cutler's RSI).
    """

    __slots__ = ("_falls", "_previous", "_rises", "memory", "value")
    memory: int

    def __init__(self, period: int = 14) -> None:
        """Compare `period` changes, which takes `period` + 1 closes."""
        self._rises = Ring(period)
        self._falls = Ring(period)
        self.memory = period + 1
        self.reset()

    def reset(self) -> None:
        """Forget every point."""
        self._rises.clear()
        self._falls.clear()
        self._previous: float | None = None
        self.value: float | None = None

    def update(self, point: float) -> float | None:
        """Take the next close and return RSI at it."""
        if self._previous is not None:
            change = point - self._previous
            self._rises.push(max(change, 0.0))
            self._falls.push(max(-change, 0.0))
            self.value = _relative_strength(self._rises.mean(), self._falls.mean())
        self._previous = point
        return self.value

    def peek(self, point: float) -> float | None:
        """Return the RSI that `update(point)` would give."""
        if self._previous is None:
            return None
        change = point - self._previous
        return _relative_strength(self._rises.mean_with(max(change, 0.0)), self._falls.mean_with(max(-change, 0.0)))

    def fill_array(self, points: NDArray[np.float64], *, count: int) -> Sequence[float | None]:
        """Start again on `points`, go on from their end, and return the values at the last `count` of them."""
        self.open_and_fill(points[-self.memory :].tolist())  # the state is that of the newest closes alone
        values = self.array(points[-(count + self.memory - 1) :])[-count:]
        known: list[float | None] = values.tolist()
        for still in np.flatnonzero(np.isnan(values)).tolist():
            known[still] = None
        return [None] * (count - len(known)) + known

    def array(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value at each of `points`, NaN where undefined; nothing is remembered of them."""
        assert self.memory is not None
        values = np.full(len(points), np.nan)
        if len(points) < self.memory:
            return values
        changes = np.diff(points)
        rises = rolling_means(np.maximum(changes, 0.0), self._rises.length)
        falls = rolling_means(np.maximum(-changes, 0.0), self._falls.length)
        with np.errstate(divide="ignore", invalid="ignore"):
            told = 100.0 - 100.0 / (1.0 + rises / falls)
        is_without_fall = falls == 0.0
        if is_without_fall.any():
            told[is_without_fall] = np.where(rises[is_without_fall] > 0.0, 100.0, np.nan)
        values[self.memory - 1 :] = told
        return values


def _relative_strength(rise: float | None, fall: float | None) -> float | None:
    if rise is None or fall is None:
        return None
    if fall == 0.0:
        return 100.0 if rise > 0.0 else None
    return 100.0 - 100.0 / (1.0 + rise / fall)


class StochasticValue(NamedTuple):
    """Stochastic at one candle, 0 to 100; None where it is undefined."""

    k: float | None = None
    d: float | None = None


class Stochastic(Indicator[Candle, StochasticValue]):
    """Slow stochastic: where the close lies in the range of the last `period` candles, twice smoothed by plain means.

    K = SMA of raw K = 100·(close − lowest)/(highest − lowest), D = SMA of K. A range of zero has no raw K; K and D are
    undefined until as many raw values in a row as they need stand again.
    Source: G. Lane; https://www.investopedia.com/terms/s/stochasticoscillator.asp.
    """

    __slots__ = ("_d", "_k", "_range", "memory", "value")

    def __init__(self, period: int = 14, smooth_k: int = 3, smooth_d: int = 3) -> None:
        """Take the length of the range and of the two means, in candles."""
        self._range = PriceRange(period)
        self._k = SimpleAverage(smooth_k)
        self._d = SimpleAverage(smooth_d)
        self.memory = period + smooth_k + smooth_d - 2
        self.reset()

    def reset(self) -> None:
        """Forget every candle."""
        self._range.clear()
        self._k.reset()
        self._d.reset()
        self.value = StochasticValue()

    def update(self, point: Candle) -> StochasticValue:
        """Take the next closed candle and return the stochastic at it."""
        self._range.push(high=point.high, low=point.low)
        raw_k = _place_in_range(point.close, self._range.extremes())
        k = _update_or_reset(self._k, raw_k)
        d = _update_or_reset(self._d, k)
        self.value = StochasticValue(k, d)
        return self.value

    def peek(self, point: Candle) -> StochasticValue:
        """Return the stochastic that `update(point)` would give."""
        raw_k = _place_in_range(point.close, self._range.extremes_with(high=point.high, low=point.low))
        k = None if raw_k is None else self._k.peek(raw_k)
        return StochasticValue(k, None if k is None else self._d.peek(k))


def _place_in_range(close: float, extremes: tuple[float, float] | None) -> float | None:
    if extremes is None:
        return None
    highest, lowest = extremes
    return 100.0 * (close - lowest) / (highest - lowest) if highest > lowest else None


def _update_or_reset(average: SimpleAverage, number: float | None) -> float | None:
    if number is None:
        average.reset()
        return None
    return average.update(number)


class MarketBiasValue(NamedTuple):
    """CEREBR at one candle: value and signal 0 to 100, bias −1, 0 or +1."""

    value: float
    signal: float
    bias: int


class MarketBias(Indicator[Candle, MarketBiasValue | None]):
    """CEREBR: where the close lies in a long range, smoothed twice by EMA, and which side it takes.

    value = EMA of raw = 100·(close − lowest)/(highest − lowest) from the first full range on, where a zero range counts
    as 1; signal = EMA of value; bias = +1 above `upper`, −1 below `lower`, else 0.
    Source: product specification, section 3. It is not the Heikin-Ashi oscillator published under the same name.
    """

    __slots__ = ("_lower", "_range", "_signal", "_upper", "_value", "memory", "value")

    def __init__(self, period: int = 60, smoothing: int = 10, *, lower: float = 40.0, upper: float = 60.0) -> None:
        """Take the range and the smoothing in candles, and the two bounds of the neutral zone."""
        self._range = PriceRange(period)
        self._value = ExponentialAverage(smoothing)
        self._signal = ExponentialAverage(smoothing)
        self._lower = lower
        self._upper = upper
        self.memory = None
        self.reset()

    def reset(self) -> None:
        """Forget every candle."""
        self._range.clear()
        self._value.reset()
        self._signal.reset()
        self.value: MarketBiasValue | None = None

    def update(self, point: Candle) -> MarketBiasValue | None:
        """Take the next closed candle and return the bias at it."""
        self._range.push(high=point.high, low=point.low)
        extremes = self._range.extremes()
        if extremes is not None:
            value = self._value.update(_raw_bias(point.close, extremes))
            self.value = MarketBiasValue(value, self._signal.update(value), self._side_of(value))
        return self.value

    def peek(self, point: Candle) -> MarketBiasValue | None:
        """Return the bias that `update(point)` would give."""
        extremes = self._range.extremes_with(high=point.high, low=point.low)
        if extremes is None:
            return None
        value = self._value.peek(_raw_bias(point.close, extremes))
        return MarketBiasValue(value, self._signal.peek(value), self._side_of(value))

    def _side_of(self, value: float) -> int:
        return (value > self._upper) - (value < self._lower)


def _raw_bias(close: float, extremes: tuple[float, float]) -> float:
    highest, lowest = extremes
    return 100.0 * (close - lowest) / ((highest - lowest) or 1.0)
