"""The trend-pullback strategy: buy a rising market after it has paused, sell a falling one.

Source: product specification, section 3. Two modes: `auto` scores the candle and waits for a strong one, `manual`
answers a person who asks now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from contracts.messages import Interval, Mode, Side
from services.signals.domain.conditions import Conditions, PullbackZone, conditions_for
from services.signals.domain.levels import LevelRule, place_levels
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.reading import NAMES, Periods, Reading, as_indicators, take_reading
from services.signals.domain.strategy import Strategy, tunable
from services.signals.domain.strength import strength_of
from services.signals.domain.view import View

LIVELY_VOLUME = 0.5  # of the average
# The conditions without which a mode gives no signal, in the order in which they are told.
AUTO_NEEDS = ("close_beyond_ema50", "trf_with", "cerebr_with")
MANUAL_NEEDS = ("averages_agree", "macd_beyond_signal", "rsi_agrees", *AUTO_NEEDS)

BothSides = Mapping[Side, Conditions]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPullbackParameters:
    """What may be tuned. Distances in the quote currency, RSI and bias in their own 0..100."""

    score_needed: int = tunable(5, low=3, high=9, step=1)
    strength_needed: float = tunable(0.30, low=0.0, high=0.75, step=0.05)
    pullback_low: float = tunable(40.0, low=30.0, high=44.0, step=1.0)
    pullback_high: float = tunable(45.0, low=45.0, high=55.0, step=1.0)
    auto_stop_ranges: float = tunable(1.0, low=0.5, high=3.0, step=0.1)
    auto_stop_floor: float = tunable(2.00, low=0.5, high=5.0, step=0.25)
    manual_stop_ranges: float = tunable(1.2, low=0.5, high=3.0, step=0.1)
    manual_stop_floor: float = tunable(1.00, low=0.5, high=5.0, step=0.25)
    stop_limit: float = 100.0
    rr_base: float = tunable(1.45, low=1.0, high=2.0, step=0.05)
    rr_per_strength: float = tunable(1.05, low=0.0, high=2.0, step=0.05)
    rr_limit: float = tunable(2.50, low=2.0, high=4.0, step=0.25)
    twin_range_period: int = tunable(27, low=10, high=55, step=1)
    twin_range_multiple: float = tunable(2.0, low=1.0, high=4.0, step=0.1)
    bias_period: int = tunable(60, low=20, high=60, step=5)
    bias_smoothing: int = tunable(10, low=3, high=20, step=1)


class TrendPullback(Strategy[TrendPullbackParameters]):
    """Judges the last 100 one-minute candles, and is silent below 60."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "trend_pullback"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M1, Interval.M5, Interval.M15, Interval.H1)
    candles_needed: ClassVar[int] = 60
    window_length: ClassVar[int] = 100
    parameters_type: ClassVar[type] = TrendPullbackParameters

    def evaluate(self, view: View) -> Evaluation:
        """Return indicators, scores and both modes' verdicts on the candle that has just closed."""
        window = view.window
        if len(window) < self.candles_needed:
            return _silent(dict.fromkeys(NAMES), "why.too_few_candles")
        reading, recent_rsi = take_reading(window, _periods(self.parameters))
        zone = PullbackZone(low=self.parameters.pullback_low, high=self.parameters.pullback_high)
        sides = {side: conditions_for(side, reading, recent_rsi, zone) for side in Side}
        return self.judge(reading, sides)

    def judge(self, reading: Reading, sides: BothSides) -> Evaluation:
        """Return the evaluation of a reading whose conditions are known for both sides."""
        if reading.rsi is None:
            return _silent(as_indicators(reading), "why.rsi_undefined")
        favoured = _side_that_volume_favours(reading, sides)
        scores = {side: score_of(sides[side]) + (side is favoured) for side in Side}
        return Evaluation(
            indicators=as_indicators(reading),
            scores=scores,
            verdicts={
                Mode.AUTO: self._auto(reading, sides, scores, favoured),
                Mode.MANUAL: self._manual(reading, sides),
            },
        )

    def _auto(
        self, reading: Reading, sides: BothSides, scores: Mapping[Side, int], favoured: Side | None
    ) -> Signal | NoSignal:
        side = _leader(scores)
        if side is None:
            return NoSignal(("why.no_side_leads",))
        missing = _missing(sides[side], AUTO_NEEDS, side)
        if scores[side] < self.parameters.score_needed:
            missing.insert(0, "why.score_too_low")
        if _strength(reading) < self.parameters.strength_needed:
            missing.append("why.strength_too_low")
        if missing:
            return NoSignal(tuple(missing))
        return self._signal(Mode.AUTO, side, reading, _auto_reasons(sides[side], side, volume=side is favoured))

    def _manual(self, reading: Reading, sides: BothSides) -> Signal | NoSignal:
        side = _leader({side: len(MANUAL_NEEDS) - len(_missing(sides[side], MANUAL_NEEDS, side)) for side in Side})
        if side is None:
            return NoSignal(("why.no_side_leads",))
        missing = _missing(sides[side], MANUAL_NEEDS, side)
        if missing:
            return NoSignal(tuple(missing))
        return self._signal(Mode.MANUAL, side, reading, _manual_reasons(sides[side], side))

    def _signal(self, mode: Mode, side: Side, reading: Reading, reasons: tuple[str, ...]) -> Signal | NoSignal:
        assert reading.atr is not None  # sixty candles give it
        strength = _strength(reading)
        levels = place_levels(
            self._level_rule(mode), side=side, entry=reading.close, atr=reading.atr, strength=strength
        )
        if levels is None:
            return NoSignal(("why.stop_too_far",))
        return Signal(
            side=side,
            entry=reading.close,
            stop=levels.stop,
            target=levels.target,
            rr=levels.rr,
            strength=strength,
            reasons=reasons,
        )

    def _level_rule(self, mode: Mode) -> LevelRule:
        own = self.parameters
        is_auto = mode is Mode.AUTO
        return LevelRule(
            stop_ranges=own.auto_stop_ranges if is_auto else own.manual_stop_ranges,
            stop_floor=own.auto_stop_floor if is_auto else own.manual_stop_floor,
            stop_limit=own.stop_limit,
            rr_base=own.rr_base,
            rr_per_strength=own.rr_per_strength,
            rr_limit=own.rr_limit,
        )


def score_of(held: Conditions) -> int:
    """Return one side's points without the point for volume, which goes to the side that leads."""
    return early_score_of(held) + (2 if held.trf_flipped else held.trf_with) + held.cerebr_with


def early_score_of(held: Conditions) -> int:
    """Return the points counted before volume: trend, momentum and pullback."""
    macd = 2 if held.macd_crossed else int(held.macd_beyond_signal)
    return 2 * held.close_beyond_ema50 + macd + held.rsi_pulled_back


def _side_that_volume_favours(reading: Reading, sides: BothSides) -> Side | None:
    lively = reading.volume_avg is not None and reading.volume > LIVELY_VOLUME * reading.volume_avg
    return _leader({side: early_score_of(sides[side]) for side in Side}) if lively else None


def _leader(scores: Mapping[Side, int]) -> Side | None:
    lead = scores[Side.BUY] - scores[Side.SELL]
    if lead == 0:
        return None
    return Side.BUY if lead > 0 else Side.SELL


def _strength(reading: Reading) -> float:
    assert reading.rsi is not None  # judged before
    return strength_of(
        average_spread=abs(reading.ema_5 - reading.ema_20) / reading.close,
        histogram=reading.macd_histogram,
        rsi=reading.rsi,
        volume_ratio=reading.volume / reading.volume_avg if reading.volume_avg else 0.0,
    )


def _missing(held: Conditions, needs: Sequence[str], side: Side) -> list[str]:
    return [f"why.{need}.{side.value.lower()}" for need in needs if not getattr(held, need)]


def _auto_reasons(held: Conditions, side: Side, *, volume: bool) -> tuple[str, ...]:
    told = (
        ("close_beyond_ema50", held.close_beyond_ema50),
        ("macd_crossed", held.macd_crossed),
        ("macd_beyond_signal", held.macd_beyond_signal and not held.macd_crossed),
        ("trf_flipped", held.trf_flipped),
        ("trf_with", held.trf_with and not held.trf_flipped),
        ("rsi_pulled_back", held.rsi_pulled_back),
        ("cerebr_with", held.cerebr_with),
        ("volume_lively", volume),
    )
    return _reason_keys(told, side)


def _manual_reasons(held: Conditions, side: Side) -> tuple[str, ...]:
    told = (
        ("averages_in_order", held.averages_in_order),
        ("averages_touch", held.averages_touch and not held.averages_in_order),
        ("macd_beyond_signal", held.macd_beyond_signal),
        ("rsi_left_extreme", held.rsi_left_extreme),
        ("rsi_beyond_middle", held.rsi_beyond_middle and not held.rsi_left_extreme),
        ("close_beyond_ema50", held.close_beyond_ema50),
        ("trf_with", held.trf_with),
        ("cerebr_with", held.cerebr_with),
    )
    return _reason_keys(told, side)


def _reason_keys(told: Sequence[tuple[str, bool]], side: Side) -> tuple[str, ...]:
    return tuple(f"reason.{name}.{side.value.lower()}" for name, holds in told if holds)


def _periods(parameters: TrendPullbackParameters) -> Periods:
    return Periods(
        twin_range_period=parameters.twin_range_period,
        twin_range_multiple=parameters.twin_range_multiple,
        bias_period=parameters.bias_period,
        bias_smoothing=parameters.bias_smoothing,
    )


def _silent(indicators: dict[str, float | None], why: str) -> Evaluation:
    return Evaluation(
        indicators=indicators,
        scores=dict.fromkeys(Side, 0),
        verdicts=dict.fromkeys(Mode, NoSignal((why,))),
    )
