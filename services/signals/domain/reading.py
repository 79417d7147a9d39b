"""The indicators of the trend-pullback strategy over one window, by the names under which they are published."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from services.signals.domain.averages import ExponentialAverage, Macd, SimpleAverage
from services.signals.domain.candle import Candle
from services.signals.domain.indicator import fill_tail
from services.signals.domain.oscillators import MarketBias, RelativeStrength, Stochastic
from services.signals.domain.ranges import AverageTrueRange, TwinRangeFilter

RECENT_RSI = 10  # how far back a pullback may lie, in candles, the present one included


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """The lengths that may be tuned; all others are part of an indicator's published name or definition."""

    twin_range_period: int = 27
    twin_range_multiple: float = 2.0
    bias_period: int = 60
    bias_smoothing: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Every indicator at the last candle of a window, `_prev` at the one before; None where undefined."""

    close: float
    ema_5: float
    ema_10: float
    ema_20: float
    ema_50: float
    rsi: float | None
    rsi_prev: float | None
    stoch_k: float | None
    stoch_d: float | None
    stoch_k_prev: float | None
    stoch_d_prev: float | None
    atr: float | None
    macd: float
    macd_signal: float
    macd_histogram: float
    macd_prev: float
    macd_signal_prev: float
    volume: float
    volume_avg: float | None
    trf_upper: float
    trf_lower: float
    trf_trend: float
    trf_trend_prev: float
    cerebr_value: float | None
    cerebr_signal: float | None
    cerebr_bias: float | None


NAMES = tuple(field.name for field in fields(Reading))


def as_indicators(reading: Reading) -> dict[str, float | None]:
    """Return the reading by published name."""
    return {name: getattr(reading, name) for name in NAMES}


def take_reading(window: Sequence[Candle], periods: Periods) -> tuple[Reading, tuple[float, ...]]:
    """Return the reading at the last candle of `window` and the defined RSI values of the last candles, oldest first.

    `window` holds two candles or more, oldest first; averages are seeded with its first candle. Indicators with a
    finite memory are fed only the candles that can matter.
    """
    closes = [candle.close for candle in window]
    rsi = fill_tail(RelativeStrength(), closes, count=RECENT_RSI)
    stochastic_before, stochastic = fill_tail(Stochastic(), window, count=2)
    macd_before, macd = Macd().open_and_fill(closes)[-2:]
    trf_before, trf = _twin_range(periods).open_and_fill(window)[-2:]
    bias = _market_bias(periods).open_and_fill(window)[-1]
    assert macd_before and macd and trf_before and trf  # noqa: PT018 - defined from the first candle on
    reading = Reading(
        close=closes[-1],
        **_last_averages(closes),
        rsi=rsi[-1],
        rsi_prev=rsi[-2],
        stoch_k=stochastic.k,
        stoch_d=stochastic.d,
        stoch_k_prev=stochastic_before.k,
        stoch_d_prev=stochastic_before.d,
        atr=fill_tail(AverageTrueRange(), window, count=1)[-1],
        macd=macd.line,
        macd_signal=macd.signal,
        macd_histogram=macd.histogram,
        macd_prev=macd_before.line,
        macd_signal_prev=macd_before.signal,
        volume=window[-1].volume,
        volume_avg=fill_tail(SimpleAverage(20), [candle.volume for candle in window], count=1)[-1],
        trf_upper=trf.upper,
        trf_lower=trf.lower,
        trf_trend=float(trf.trend),
        trf_trend_prev=float(trf_before.trend),
        cerebr_value=bias.value if bias else None,
        cerebr_signal=bias.signal if bias else None,
        cerebr_bias=float(bias.bias) if bias else None,
    )
    return reading, tuple(value for value in rsi if value is not None)


def _twin_range(periods: Periods) -> TwinRangeFilter:
    return TwinRangeFilter(periods.twin_range_period, periods.twin_range_multiple)


def _market_bias(periods: Periods) -> MarketBias:
    return MarketBias(periods.bias_period, periods.bias_smoothing)


def _last_averages(closes: Sequence[float]) -> dict[str, float]:
    averages = {}
    for period in (5, 10, 20, 50):
        average = ExponentialAverage(period)
        averages[f"ema_{period}"] = [average.update(close) for close in closes][-1]
    return averages
