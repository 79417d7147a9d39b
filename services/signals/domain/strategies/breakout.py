"""Go with a market that leaves its range: a close beyond the Donchian channel and beyond the Keltner channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from contracts.messages import Interval, Side
from services.signals.domain.classic import Adx, Atr, Columnar, Donchian, Keltner
from services.signals.domain.levels import Levels, levels_at
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.protections import CooldownPeriod, Protection, StoplossGuard
from services.signals.domain.strategy import Strategy, tunable
from services.signals.domain.view import View

INSIDE = NoSignal(("why.inside_channel",))
NO_TREND = NoSignal(("why.no_trend",))
REASONS = {side: (f"reason.channel_broken.{side.lower()}", f"reason.range_expanded.{side.lower()}") for side in Side}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakoutParameters:
    """Periods in candles, the stop in average ranges, ADX 0 to 100."""

    channel: int = tunable(40, low=10, high=120, step=10)
    keltner_period: int = tunable(20, low=10, high=50, step=5)
    keltner_ranges: float = tunable(2.0, low=1.0, high=4.0, step=0.25)
    adx_least: float = tunable(20.0, low=0.0, high=40.0, step=5.0)
    stop_ranges: float = tunable(2.0, low=0.5, high=5.0, step=0.25)
    rr: float = tunable(2.0, low=1.0, high=4.0, step=0.25)


class Breakout(Strategy[BreakoutParameters]):
    """Buys a close above all highs of the candles before it that is far from the average as well; sells mirrored."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "breakout"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M15, Interval.M1, Interval.M5, Interval.H1)
    candles_needed: ClassVar[int] = 150
    parameters_type: ClassVar[type] = BreakoutParameters

    def indicators(self) -> Mapping[str, Columnar[Any]]:
        """Return both channels, the strength of the trend, and the average range for the stop."""
        own = self.parameters
        return {
            "donchian": Donchian(own.channel),
            "keltner": Keltner(own.keltner_period, 10, own.keltner_ranges),
            "adx": Adx(14),
            "atr": Atr(14),
        }

    def evaluate(self, view: View) -> Signal | NoSignal:
        """Return a signal on the candle that closes outside; the channel is the one that stood before it."""
        close, channel, keltner = view.candle.close, view.before.donchian, view.now.keltner
        if close > channel.upper and close > keltner.upper:
            side = Side.BUY
        elif close < channel.lower and close < keltner.lower:
            side = Side.SELL
        else:
            return INSIDE
        if view.now.adx < self.parameters.adx_least:
            return NO_TREND
        return self.trade(side, view, reasons=REASONS[side])

    def levels(self, side: Side, view: View, strength: float) -> Levels | None:
        """Return the stop some average ranges away, the target a multiple of that; nothing where there is no range."""
        del strength
        distance = self.parameters.stop_ranges * view.now.atr
        return levels_at(side, view.candle.close, stop_distance=distance, rr=self.parameters.rr) if distance else None

    def protections(self) -> Sequence[Protection]:
        """Return a pause after each trade, and a longer one after three stops in a row of false breaks."""
        return (
            CooldownPeriod(stop_duration_candles=3),
            StoplossGuard(lookback_period_candles=96, trade_limit=3, stop_duration_candles=48),
        )
