"""Bet on the way back: in a market without a trend, a price that returns from beyond its Bollinger band."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from contracts.messages import Interval, Side
from services.signals.domain.classic import Adx, Atr, Bollinger, Columnar, Rsi
from services.signals.domain.levels import Levels
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.protections import CooldownPeriod, DailyLoss, MaxDrawdown, NewsGuard, Protection
from services.signals.domain.strategy import Strategy, tunable
from services.signals.domain.view import View

NOT_BACK = NoSignal(("why.not_back_in_band",))
TRENDING = NoSignal(("why.market_trends",))
RSI_DISAGREES = {side: NoSignal((f"why.rsi_agrees.{side.lower()}",)) for side in Side}
TARGET_TOO_NEAR = NoSignal(("why.target_too_near",))
REASONS = {
    side: (f"reason.back_in_band.{side.lower()}", f"reason.rsi_was_extreme.{side.lower()}", "reason.no_trend")
    for side in Side
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeReversionParameters:
    """Periods in candles, the stop in average ranges, RSI and ADX 0 to 100."""

    band_period: int = tunable(20, low=10, high=60, step=5)
    deviations: float = tunable(2.0, low=1.0, high=3.0, step=0.25)
    rsi_low: float = tunable(35.0, low=15.0, high=45.0, step=5.0)
    adx_most: float = tunable(25.0, low=10.0, high=40.0, step=2.5)
    stop_ranges: float = tunable(1.5, low=0.5, high=4.0, step=0.25)
    rr_least: float = tunable(0.75, low=0.25, high=2.0, step=0.25)


class RangeReversion(Strategy[RangeReversionParameters]):
    """Buys a close that is back above the lower band, aiming at the middle; sells mirrored at the upper one."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "range_reversion"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M5, Interval.M1, Interval.M15, Interval.H1)
    candles_needed: ClassVar[int] = 150
    window_length: ClassVar[int] = 2
    parameters_type: ClassVar[type] = RangeReversionParameters

    def indicators(self) -> Mapping[str, Columnar[Any]]:
        """Return the bands, Wilder's RSI and ADX, and the average range for the stop."""
        own = self.parameters
        return {"bands": Bollinger(own.band_period, own.deviations), "rsi": Rsi(14), "adx": Adx(14), "atr": Atr(14)}

    def evaluate(self, view: View) -> Signal | NoSignal:
        """Return a signal on the candle that closes inside again, in a market that does not trend."""
        side = _side_of_return(view)
        if side is None:
            return NOT_BACK
        if view.now.adx > self.parameters.adx_most:
            return TRENDING
        was = view.before.rsi
        if (was if side is Side.BUY else 100.0 - was) > self.parameters.rsi_low:
            return RSI_DISAGREES[side]
        if self._reward(side, view) < self.parameters.rr_least * self._risk(view):
            return TARGET_TOO_NEAR
        return self.trade(side, view, reasons=REASONS[side])

    def levels(self, side: Side, view: View, strength: float) -> Levels | None:
        """Return the stop some average ranges away and the target at the middle band; None where there is no range."""
        del strength
        risk, reward, entry = self._risk(view), self._reward(side, view), view.candle.close
        return Levels(entry - side.sign * risk, entry + side.sign * reward, reward / risk) if risk else None

    def protections(self) -> Sequence[Protection]:
        """Return what ends a bad day: ranges break, and then every return is a trap."""
        return (
            NewsGuard(minutes_before=30, minutes_after=60),
            CooldownPeriod(stop_duration_candles=2),
            MaxDrawdown(lookback_period_candles=288, trade_limit=4, stop_duration_candles=96, max_allowed_drawdown=3.0),
            DailyLoss(max_loss=4.0),
        )

    def _risk(self, view: View) -> float:
        return float(self.parameters.stop_ranges * view.now.atr)

    @staticmethod
    def _reward(side: Side, view: View) -> float:
        return float((view.now.bands.middle - view.candle.close) * side.sign)


def _side_of_return(view: View) -> Side | None:
    """Return the side of a close that is inside the bands after one that was not, or None."""
    was, close = view.window[0].close, view.candle.close
    before, now = view.before.bands, view.now.bands
    if was < before.lower and close >= now.lower:
        return Side.BUY
    if was > before.upper and close <= now.upper:
        return Side.SELL
    return None
