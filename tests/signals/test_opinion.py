"""Strength, levels and the invariants of a signal."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Mode, Side
from services.signals.domain.levels import LevelRule, place_levels
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.strength import strength_of, word_for

RULE = LevelRule(stop_ranges=1.0, stop_floor=2.0, stop_limit=100.0, rr_base=1.45, rr_per_strength=1.05, rr_limit=2.50)
BUY = Signal(side=Side.BUY, entry=100.0, stop=98.0, target=103.0, rr=1.5, strength=0.5, reasons=("r",))


@pytest.mark.parametrize(
    ("spread", "histogram", "rsi", "volume", "strength"),
    [
        (0.0, 0.0, 50.0, 1.0, 0.0),
        (0.0015, 0.2, 60.0, 1.0, 0.0),
        (0.0016, -0.21, 39.9, 1.01, 0.60),
        (0.003, 0.5, 70.0, 1.5, 0.60),
        (0.0031, -0.51, 70.1, 1.51, 1.0),
        (0.0016, 0.21, 50.0, 0.0, 0.30),
        (0.0016, 0.21, 61.0, 0.0, 0.45),
        (0.0031, 0.21, 61.0, 0.0, 0.55),
    ],
)
def test_strength_sums_exact_hundredths(
    spread: float, histogram: float, rsi: float, volume: float, strength: float
) -> None:
    assert strength_of(average_spread=spread, histogram=histogram, rsi=rsi, volume_ratio=volume) == strength


@given(spread=st.floats(0, 1), histogram=st.floats(-5, 5), rsi=st.floats(0, 100), volume=st.floats(0, 10))
def test_strength_is_a_whole_number_of_hundredths(spread: float, histogram: float, rsi: float, volume: float) -> None:
    strength = strength_of(average_spread=spread, histogram=histogram, rsi=rsi, volume_ratio=volume)

    assert 0.0 <= strength <= 1.0
    assert strength == float(Fraction(round(strength * 100), 100))


@pytest.mark.parametrize(
    ("strength", "word"),
    [
        (1.0, "very_strong"),
        (0.75, "very_strong"),
        (0.7, "strong"),
        (0.5, "strong"),
        (0.45, "medium"),
        (0.3, "medium"),
        (0.25, "weak"),
        (0.0, "weak"),
    ],
)
def test_strength_has_a_word(strength: float, word: str) -> None:
    assert word_for(strength) == f"strength.{word}"


def test_stop_stands_one_range_away_and_target_by_the_ratio() -> None:
    levels = place_levels(RULE, side=Side.SELL, entry=4000.0, atr=4.0, strength=1.0)

    assert levels is not None
    assert (levels.stop, levels.target, levels.rr) == (4004.0, 3990.0, 2.5)


def test_stop_is_never_closer_than_its_floor() -> None:
    levels = place_levels(RULE, side=Side.BUY, entry=4000.0, atr=0.1, strength=0.0)

    assert levels is not None
    assert (levels.stop, levels.target) == pytest.approx((3998.0, 4002.9))


@pytest.mark.parametrize(("atr", "is_placed"), [(100.0, True), (100.01, False)])
def test_stop_further_than_its_limit_is_refused(atr: float, is_placed: bool) -> None:
    assert (place_levels(RULE, side=Side.BUY, entry=4000.0, atr=atr, strength=0.5) is not None) == is_placed


@given(strength=st.floats(0, 1), base=st.floats(1, 2), slope=st.floats(-1, 3))
def test_ratio_stays_within_its_bounds(strength: float, base: float, slope: float) -> None:
    rule = replace(RULE, rr_base=base, rr_per_strength=slope)

    levels = place_levels(rule, side=Side.BUY, entry=4000.0, atr=3.0, strength=strength)

    assert levels is not None
    assert base <= levels.rr <= 2.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"stop": 101.0},
        {"stop": 100.0},
        {"target": 99.0},
        {"side": Side.SELL},
        {"target": math.inf},
        {"entry": math.nan},
        {"strength": 1.1},
    ],
)
def test_signal_refuses_levels_that_no_trade_could_have(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"finite|beyond|strength"):
        replace(BUY, **wrong)  # type: ignore[arg-type]


def test_stop_distance_is_one_r_on_both_sides() -> None:
    sell = replace(BUY, side=Side.SELL, stop=101.5, target=97.0)

    assert (BUY.stop_distance, sell.stop_distance) == (2.0, 1.5)


def test_mode_that_a_strategy_does_not_speak_is_no_signal() -> None:
    evaluation = Evaluation(indicators={}, scores={}, verdicts={Mode.AUTO: BUY})

    assert evaluation.verdict(Mode.AUTO) is BUY
    assert evaluation.verdict(Mode.MANUAL) == NoSignal(("why.mode_unsupported",))
