"""What holds for one side at one candle. SELL is BUY seen in a mirror: one formula serves both.

Source: product specification, section 3, "Auto mode" and "Manual mode".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.messages import Side
from services.signals.domain.reading import Reading

FEWEST_RSI_FOR_PULLBACK = 5
AVERAGES_TOUCH = 0.001  # |EMA5 − EMA10| / EMA10 below which the third average need not be in order
RSI_MIDDLE = 50.0
RSI_OVERSOLD_FOR_BUY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PullbackZone:
    """RSI of a pullback in a rising market, bounds included; mirrored around 50 for a falling one."""

    low: float = 40.0
    high: float = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The conditions of both modes for one side: `beyond` is above, `with` is up for BUY; below and down for SELL."""

    close_beyond_ema50: bool
    macd_crossed: bool
    macd_beyond_signal: bool
    rsi_pulled_back: bool
    trf_flipped: bool
    trf_with: bool
    cerebr_with: bool
    averages_in_order: bool
    averages_touch: bool
    rsi_left_extreme: bool
    rsi_beyond_middle: bool

    @property
    def averages_agree(self) -> bool:
        """Return whether the short averages point to this side, in order or by touching."""
        return self.averages_in_order or self.averages_touch

    @property
    def rsi_agrees(self) -> bool:
        """Return whether RSI points to this side, by leaving its extreme or by standing beyond the middle."""
        return self.rsi_left_extreme or self.rsi_beyond_middle


def conditions_for(side: Side, reading: Reading, recent_rsi: Sequence[float], zone: PullbackZone) -> Conditions:
    """Return what holds for `side`; `recent_rsi` are the defined RSI of the last ten candles, oldest first."""
    sign = side.sign
    rsi = _facing(reading.rsi, side)
    before = _facing(reading.rsi_prev, side)
    macd_ahead = sign * (reading.macd - reading.macd_signal) > 0
    fast_ahead = sign * (reading.ema_5 - reading.ema_10) > 0
    return Conditions(
        close_beyond_ema50=sign * (reading.close - reading.ema_50) > 0,
        macd_crossed=macd_ahead and sign * (reading.macd_prev - reading.macd_signal_prev) <= 0,
        macd_beyond_signal=macd_ahead,
        rsi_pulled_back=_has_pulled_back([_facing(value, side) for value in recent_rsi], rsi, zone),
        trf_flipped=reading.trf_trend == sign != reading.trf_trend_prev,
        trf_with=reading.trf_trend == sign,
        cerebr_with=reading.cerebr_bias == sign,
        averages_in_order=fast_ahead and sign * (reading.ema_10 - reading.ema_20) > 0,
        averages_touch=fast_ahead and abs(reading.ema_5 - reading.ema_10) / reading.ema_10 < AVERAGES_TOUCH,
        rsi_left_extreme=rsi is not None and before is not None and before <= RSI_OVERSOLD_FOR_BUY < rsi,
        rsi_beyond_middle=rsi is not None and rsi > RSI_MIDDLE,
    )


def _facing(rsi: float | None, side: Side) -> float | None:
    """Return RSI as a buyer would read it: a SELL's 55 is a BUY's 45."""
    return rsi if rsi is None or side is Side.BUY else 100.0 - rsi


def _has_pulled_back(recent: Sequence[float | None], rsi: float | None, zone: PullbackZone) -> bool:
    if rsi is None or len(recent) < FEWEST_RSI_FOR_PULLBACK:
        return False
    return rsi > zone.high and any(value is not None and zone.low <= value <= zone.high for value in recent)
