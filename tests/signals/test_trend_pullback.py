"""The trend-pullback strategy: its rules, its mirror, its silences and its reasons."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest

from contracts.messages import Mode, Side
from services.signals.domain.candle import Candle
from services.signals.domain.conditions import Conditions, PullbackZone, conditions_for
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.reading import NAMES, Periods, Reading, take_reading
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback, TrendPullbackParameters, score_of
from services.signals.domain.view import View
from tests.signals.builders import flat_series, golden_series, mirrored, wandering_series
from tests.signals.plain_strategy import opinion

STRATEGY = build_strategy(TrendPullback, {})
NOTHING = Conditions(**{field.name: False for field in fields(Conditions)})
EVERYTHING = Conditions(**{field.name: True for field in fields(Conditions)})
ZONE = PullbackZone()
# A reading of middling strength (0.30) with lively volume, far from every bound.
READING = Reading(
    **{
        **dict.fromkeys(NAMES, 1.0),
        "close": 4000.0,
        "ema_5": 4000.0,
        "ema_10": 4000.0,
        "ema_20": 4000.0,
        "rsi": 61.0,
        "macd_histogram": 0.3,
        "atr": 3.0,
        "volume": 90.0,
        "volume_avg": 100.0,
    }
)


def judge(
    reading: Reading = READING, *, buy: Conditions = NOTHING, sell: Conditions = NOTHING, **tuned: Any
) -> Evaluation:
    strategy = build_strategy(TrendPullback, tuned)
    assert isinstance(strategy, TrendPullback)
    return strategy.judge(reading, {Side.BUY: buy, Side.SELL: sell})


def why(evaluation: Evaluation, mode: Mode) -> tuple[str, ...]:
    verdict = evaluation.verdict(mode)
    assert isinstance(verdict, NoSignal)
    return verdict.why


def told(verdict: Signal | NoSignal) -> tuple[Any, ...] | None:
    if isinstance(verdict, NoSignal):
        return None
    return verdict.side, verdict.stop, verdict.target, verdict.rr, verdict.strength


def test_strategy_says_what_the_written_rules_say() -> None:
    heard = {Mode.AUTO: 0, Mode.MANUAL: 0}
    for seed in range(400):
        window = wandering_series(seed)
        expected = opinion(window)

        evaluation = STRATEGY.evaluate(View.of(window))

        assert evaluation.scores == {Side.BUY: expected.buy, Side.SELL: expected.sell}
        for mode, wanted in ((Mode.AUTO, expected.auto), (Mode.MANUAL, expected.manual)):
            got = told(evaluation.verdict(mode))
            assert got == (wanted if wanted is None else pytest.approx(wanted, abs=1e-6)), seed
            heard[mode] += wanted is not None
    assert min(heard.values()) > 20, "the oracle must have been tried on real signals"


@pytest.mark.parametrize("mode", list(Mode))
def test_sell_mirrors_buy_on_mirrored_prices(mode: Mode) -> None:
    sides = set()
    for seed in range(300):
        window = wandering_series(seed)
        around = 2 * window[-1].close

        straight = STRATEGY.evaluate(View.of(window))
        turned = STRATEGY.evaluate(View.of(mirrored(window, around=around)))

        assert turned.scores[Side.SELL] == straight.scores[Side.BUY]
        assert turned.scores[Side.BUY] == straight.scores[Side.SELL]
        one, other = straight.verdict(mode), turned.verdict(mode)
        assert isinstance(one, Signal) == isinstance(other, Signal)
        if isinstance(one, Signal) and isinstance(other, Signal):
            sides.add(one.side)
            assert one.side is not other.side
            assert (around - one.stop, around - one.target) == pytest.approx((other.stop, other.target))
            assert (one.rr, one.strength) == (other.rr, other.strength)
            assert [key.rsplit(".", 1)[0] for key in one.reasons] == [key.rsplit(".", 1)[0] for key in other.reasons]
        else:
            assert _without_side(one) == _without_side(other)
    assert sides == set(Side)


def _without_side(verdict: Signal | NoSignal) -> list[str]:
    assert isinstance(verdict, NoSignal)
    return [key.removesuffix(".buy").removesuffix(".sell") for key in verdict.why]


def test_scores_and_strength_stay_within_their_bounds() -> None:
    for seed in range(200):
        evaluation = STRATEGY.evaluate(View.of(wandering_series(seed)))

        assert all(0 <= score <= 9 for score in evaluation.scores.values())
        for verdict in evaluation.verdicts.values():
            if isinstance(verdict, Signal):
                assert 0 <= verdict.strength <= 1
                assert 1.45 <= verdict.rr <= 2.5
                assert verdict.stop_distance <= 100


def test_equal_windows_give_equal_evaluations_and_stay_as_they_were() -> None:
    window = golden_series(106)[-100:]

    first, second = STRATEGY.evaluate(View.of(window)), STRATEGY.evaluate(View.of(window))

    assert first == second
    assert window == golden_series(106)[-100:]


def test_all_conditions_are_nine_points() -> None:
    scores = judge(buy=EVERYTHING).scores

    assert scores == {Side.BUY: 9, Side.SELL: 0}


@pytest.mark.parametrize(
    ("held", "points"),
    [
        ({"close_beyond_ema50"}, 2),
        ({"macd_beyond_signal"}, 1),
        ({"macd_beyond_signal", "macd_crossed"}, 2),
        ({"rsi_pulled_back"}, 1),
        ({"trf_with"}, 1),
        ({"trf_with", "trf_flipped"}, 2),
        ({"cerebr_with"}, 1),
        ({"averages_in_order", "rsi_beyond_middle"}, 0),
    ],
)
def test_each_condition_has_its_points(held: set[str], points: int) -> None:
    assert score_of(replace(NOTHING, **dict.fromkeys(held, True))) == points


def test_volume_gives_its_point_to_the_side_that_leads_before_it() -> None:
    ahead_early = replace(NOTHING, close_beyond_ema50=True)
    ahead_late = replace(NOTHING, trf_with=True, trf_flipped=True, cerebr_with=True)

    assert judge(buy=ahead_early, sell=ahead_late).scores == {Side.BUY: 3, Side.SELL: 3}


def test_volume_gives_its_point_to_nobody_in_a_tie_or_when_thin() -> None:
    thin = replace(READING, volume=50.0)

    assert judge(buy=EVERYTHING, sell=EVERYTHING).scores == {Side.BUY: 8, Side.SELL: 8}
    assert judge(thin, buy=EVERYTHING).scores == {Side.BUY: 8, Side.SELL: 0}


def test_auto_signal_needs_five_points() -> None:
    four = replace(NOTHING, close_beyond_ema50=True, trf_with=True, cerebr_with=True)
    thin = replace(READING, volume=50.0)

    assert why(judge(thin, buy=four), Mode.AUTO) == ("why.score_too_low",)
    assert isinstance(judge(buy=four).verdict(Mode.AUTO), Signal)


@pytest.mark.parametrize("missing", ["close_beyond_ema50", "trf_with", "cerebr_with"])
def test_auto_signal_needs_trend_filter_and_bias_whatever_the_score(missing: str) -> None:
    held = replace(EVERYTHING, **{missing: False})

    assert why(judge(sell=held, score_needed=3), Mode.AUTO) == (f"why.{missing}.sell",)


def test_auto_signal_needs_strength() -> None:
    weak = replace(READING, macd_histogram=0.2)

    assert why(judge(weak, buy=EVERYTHING), Mode.AUTO) == ("why.strength_too_low",)


def test_auto_signal_needs_a_side_that_leads() -> None:
    assert why(judge(buy=EVERYTHING, sell=EVERYTHING), Mode.AUTO) == ("why.no_side_leads",)
    assert why(judge(), Mode.MANUAL) == ("why.no_side_leads",)


def test_all_that_is_missing_is_told() -> None:
    low = replace(READING, rsi=50.0)
    evaluation = judge(low, buy=replace(NOTHING, trf_with=True))

    assert why(evaluation, Mode.AUTO) == (
        "why.score_too_low",
        "why.close_beyond_ema50.buy",
        "why.cerebr_with.buy",
        "why.strength_too_low",
    )
    assert why(evaluation, Mode.MANUAL) == (
        "why.averages_agree.buy",
        "why.macd_beyond_signal.buy",
        "why.rsi_agrees.buy",
        "why.close_beyond_ema50.buy",
        "why.cerebr_with.buy",
    )


def test_manual_signal_needs_no_strength() -> None:
    weak = replace(READING, macd_histogram=0.0, rsi=51.0)

    verdict = judge(weak, sell=EVERYTHING).verdict(Mode.MANUAL)

    assert isinstance(verdict, Signal)
    assert (verdict.side, verdict.strength, verdict.rr) == (Side.SELL, 0.0, 1.45)


def test_stop_beyond_its_limit_is_no_signal_in_either_mode() -> None:
    wild = replace(READING, atr=101.0)
    evaluation = judge(wild, buy=EVERYTHING)

    assert [why(evaluation, mode) for mode in Mode] == [("why.stop_too_far",)] * 2


def test_reasons_are_the_conditions_that_held_and_each_is_told_once() -> None:
    evaluation = judge(buy=EVERYTHING)
    auto, manual = evaluation.verdict(Mode.AUTO), evaluation.verdict(Mode.MANUAL)

    assert isinstance(auto, Signal)
    assert isinstance(manual, Signal)
    assert auto.reasons == tuple(
        f"reason.{name}.buy"
        for name in (
            "close_beyond_ema50",
            "macd_crossed",
            "trf_flipped",
            "rsi_pulled_back",
            "cerebr_with",
            "volume_lively",
        )
    )
    assert manual.reasons == tuple(
        f"reason.{name}.buy"
        for name in (
            "averages_in_order",
            "macd_beyond_signal",
            "rsi_left_extreme",
            "close_beyond_ema50",
            "trf_with",
            "cerebr_with",
        )
    )


def test_lesser_conditions_are_told_where_the_greater_did_not_hold() -> None:
    lesser = replace(EVERYTHING, macd_crossed=False, trf_flipped=False, averages_in_order=False, rsi_left_extreme=False)
    evaluation = judge(sell=lesser)
    auto, manual = evaluation.verdict(Mode.AUTO), evaluation.verdict(Mode.MANUAL)

    assert isinstance(auto, Signal)
    assert isinstance(manual, Signal)
    assert {"reason.macd_beyond_signal.sell", "reason.trf_with.sell"} <= set(auto.reasons)
    assert {"reason.averages_touch.sell", "reason.rsi_beyond_middle.sell"} <= set(manual.reasons)


def test_sixty_candles_are_needed() -> None:
    few, enough = golden_series(59), golden_series(60)

    evaluation = STRATEGY.evaluate(View.of(few))

    assert [why(evaluation, mode) for mode in Mode] == [("why.too_few_candles",)] * 2
    assert evaluation.indicators == dict.fromkeys(NAMES)
    assert STRATEGY.evaluate(View.of(enough)).indicators["cerebr_value"] is not None


def test_still_market_gives_no_signal_because_rsi_is_undefined() -> None:
    evaluation = STRATEGY.evaluate(View.of(flat_series(100)))

    assert [why(evaluation, mode) for mode in Mode] == [("why.rsi_undefined",)] * 2
    assert evaluation.indicators["rsi"] is None
    assert evaluation.scores == {Side.BUY: 0, Side.SELL: 0}


def test_market_without_volume_can_still_be_judged() -> None:
    silent = [replace(candle, volume=0.0) for candle in golden_series(106)[-100:]]

    evaluation = STRATEGY.evaluate(View.of(silent))

    assert evaluation.scores == {Side.BUY: 6, Side.SELL: 0}
    assert why(evaluation, Mode.AUTO) == ("why.strength_too_low",)


def test_bias_longer_than_the_window_is_undefined_and_silent() -> None:
    strategy = TrendPullback(TrendPullbackParameters(bias_period=80))

    evaluation = strategy.evaluate(View.of(golden_series(70)))

    assert evaluation.indicators["cerebr_bias"] is None
    assert any(key.startswith("why.cerebr_with") for key in why(evaluation, Mode.AUTO))


def held(side: Side, recent: Sequence[float] = (), **values: Any) -> set[str]:
    undecided = dict.fromkeys(("macd", "macd_signal", "macd_prev", "macd_signal_prev"), 0.0)
    undecided |= dict.fromkeys(("trf_trend", "trf_trend_prev", "cerebr_bias"), 0.0)
    undecided |= {"ema_50": 4000.0, "rsi": 50.0, "rsi_prev": 50.0}
    changes: dict[str, Any] = {**undecided, **values}
    reading = replace(READING, **changes)
    conditions = conditions_for(side, reading, recent, ZONE)
    return {field.name for field in fields(Conditions) if getattr(conditions, field.name)}


@pytest.mark.parametrize(
    ("side", "values", "expected"),
    [
        (Side.BUY, {}, set()),
        (Side.SELL, {}, set()),
        (Side.BUY, {"ema_50": 3999.0}, {"close_beyond_ema50"}),
        (Side.SELL, {"ema_50": 4001.0}, {"close_beyond_ema50"}),
        (Side.BUY, {"macd": 0.1}, {"macd_crossed", "macd_beyond_signal"}),
        (Side.BUY, {"macd": 0.1, "macd_prev": 0.1}, {"macd_beyond_signal"}),
        (Side.SELL, {"macd": -0.1, "macd_prev": 0.1}, {"macd_crossed", "macd_beyond_signal"}),
        (Side.SELL, {"macd": -0.1, "macd_prev": -0.1}, {"macd_beyond_signal"}),
        (Side.BUY, {"trf_trend": 1.0}, {"trf_with", "trf_flipped"}),
        (Side.BUY, {"trf_trend": 1.0, "trf_trend_prev": 1.0}, {"trf_with"}),
        (Side.SELL, {"trf_trend": -1.0, "trf_trend_prev": 1.0}, {"trf_with", "trf_flipped"}),
        (Side.SELL, {"cerebr_bias": -1.0}, {"cerebr_with"}),
        (Side.BUY, {"cerebr_bias": None}, set()),
        (Side.BUY, {"ema_5": 4009.0, "ema_10": 4004.0}, {"averages_in_order"}),
        (Side.BUY, {"ema_5": 4003.0, "ema_20": 4001.0}, {"averages_touch"}),
        (Side.SELL, {"ema_5": 3991.0, "ema_10": 3996.0}, {"averages_in_order"}),
        (Side.BUY, {"ema_5": 4009.0, "ema_20": 4001.0}, set()),
        (Side.BUY, {"rsi": 30.1, "rsi_prev": 30.0}, {"rsi_left_extreme"}),
        (Side.BUY, {"rsi": 30.1, "rsi_prev": None}, set()),
        (Side.BUY, {"rsi": 30.1, "rsi_prev": 30.05}, set()),
        (Side.SELL, {"rsi": 69.9, "rsi_prev": 70.0}, {"rsi_left_extreme"}),
        (Side.BUY, {"rsi": 50.1}, {"rsi_beyond_middle"}),
        (Side.SELL, {"rsi": 49.9}, {"rsi_beyond_middle"}),
        (Side.BUY, {"rsi": None}, set()),
    ],
)
def test_condition_holds_where_it_should(side: Side, values: dict[str, Any], expected: set[str]) -> None:
    assert held(side, **values) == expected


@pytest.mark.parametrize(
    ("side", "recent", "rsi", "holds"),
    [
        (Side.BUY, [50, 50, 40, 50, 46], 46, True),
        (Side.BUY, [50, 50, 45, 50, 46], 46, True),
        (Side.BUY, [50, 50, 39.9, 50, 46], 46, False),
        (Side.BUY, [50, 50, 45.1, 50, 46], 46, False),
        (Side.BUY, [50, 50, 42, 50, 45], 45, False),
        (Side.BUY, [50, 42, 50, 46], 46, False),
        (Side.SELL, [50, 50, 60, 50, 54], 54, True),
        (Side.SELL, [50, 50, 55, 50, 54], 54, True),
        (Side.SELL, [50, 50, 57, 50, 55], 55, False),
        (Side.SELL, [50, 50, 42, 50, 46], 46, False),
        (Side.SELL, [50, 50, 57, 50, 54], None, False),
    ],
)
def test_pullback_needs_a_dip_among_five_values_and_a_return(
    side: Side, recent: list[float], rsi: float | None, holds: bool
) -> None:
    assert ("rsi_pulled_back" in held(side, recent, rsi=rsi)) == holds


def test_pullback_looks_back_over_ten_candles_the_present_one_included() -> None:
    _, recent = take_reading(golden_series(100), Periods())
    _, first = take_reading(golden_series(17), Periods())

    assert len(recent) == 10
    assert len(first) == 3


def test_window_longer_than_usual_is_judged_whole() -> None:
    long = golden_series(300)

    evaluation = STRATEGY.evaluate(View.of(long))

    assert evaluation.indicators["ema_50"] != STRATEGY.evaluate(View.of(long[-100:])).indicators["ema_50"]
    assert evaluation.indicators["rsi"] == STRATEGY.evaluate(View.of(long[-100:])).indicators["rsi"]


def test_past_before_the_window_does_not_matter() -> None:
    calm = golden_series(100)
    wild = [Candle(-60, 1.0, 9e6, 0.5, 8e6, 1e6), *calm]

    assert STRATEGY.evaluate(View.of(wild[-100:])) == STRATEGY.evaluate(View.of(calm))
