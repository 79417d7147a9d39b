"""Each indicator gives what its formula says, one point at a time, whoever joins when."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.signals.domain.averages import ExponentialAverage, Macd, SimpleAverage
from services.signals.domain.candle import Candle
from services.signals.domain.indicator import Indicator, fill_tail
from services.signals.domain.oscillators import MarketBias, MarketBiasValue, RelativeStrength, Stochastic
from services.signals.domain.ranges import AverageTrueRange, TwinRangeFilter
from tests.signals import plain_formulas
from tests.signals.builders import candle_lists, flat_series, golden_series


def closes_of(candles: Sequence[Candle]) -> list[float]:
    return [candle.close for candle in candles]


def themselves(candles: Sequence[Candle]) -> list[Candle]:
    return list(candles)


INDICATORS: list[tuple[Callable[[], Indicator[Any, Any]], Callable[[Sequence[Candle]], list[Any]]]] = [
    (lambda: ExponentialAverage(10), closes_of),
    (lambda: SimpleAverage(20), closes_of),
    (lambda: RelativeStrength(14), closes_of),
    (Macd, closes_of),
    (Stochastic, themselves),
    (AverageTrueRange, themselves),
    (TwinRangeFilter, themselves),
    (MarketBias, themselves),
]
NAMES = ["ema", "sma", "rsi", "macd", "stochastic", "atr", "trf", "cerebr"]
every_indicator = pytest.mark.parametrize(("build", "points_of"), INDICATORS, ids=NAMES)


def lines_of(candles: Sequence[Candle]) -> dict[str, list[float | None]]:
    """Every indicator fed one point at a time, under the name in which the room publishes it."""
    closes = closes_of(candles)
    macd = [value for value in Macd().open_and_fill(closes) if value]
    stochastic = Stochastic().open_and_fill(candles)
    trf = [value for value in TwinRangeFilter().open_and_fill(candles) if value]
    bias = MarketBias().open_and_fill(candles)
    return {
        **{f"ema_{period}": ExponentialAverage(period).open_and_fill(closes) for period in (5, 10, 20, 50)},
        "rsi": RelativeStrength().open_and_fill(closes),
        **{f"stoch_{name}": [getattr(value, name) for value in stochastic] for name in ("k", "d")},
        "atr": AverageTrueRange().open_and_fill(candles),
        "macd": [value.line for value in macd],
        **{f"macd_{name}": [getattr(value, name) for value in macd] for name in ("signal", "histogram")},
        "volume_avg": SimpleAverage(20).open_and_fill([candle.volume for candle in candles]),
        **{f"trf_{name}": [getattr(value, name) for value in trf] for name in ("upper", "lower", "trend")},
        **{f"cerebr_{name}": [value and getattr(value, name) for value in bias] for name in MarketBiasValue._fields},
    }


@given(candles=candle_lists(low=1, high=140))
@settings(max_examples=60, deadline=None)
def test_every_line_is_what_its_plain_formula_says(candles: list[Candle]) -> None:
    expected = plain_formulas.all_lines(candles)

    drawn = lines_of(candles)

    assert drawn.keys() == expected.keys()
    for name, line in drawn.items():
        assert [value is None for value in line] == [value is None for value in expected[name]], name
        defined = [value for value in line if value is not None]
        wanted = [value for value in expected[name] if value is not None]
        assert defined == pytest.approx(wanted, rel=1e-9, abs=1e-7), name


def falling_series(count: int) -> list[Candle]:
    """Each candle below the one before: the greatest of a range is always the next to leave it."""
    return [Candle(60 * i, 200.0 - i, 200.5 - i, 198.5 - i, 199.0 - i, 10 + i % 7) for i in range(count)]


@every_indicator
@given(candles=candle_lists(low=1, high=90))
@example(candles=falling_series(100))
@example(candles=golden_series(100))
@settings(max_examples=15, deadline=None)
def test_peek_tells_the_next_value_and_remembers_nothing(build: Any, points_of: Any, candles: list[Candle]) -> None:
    indicator, untouched = build(), build()

    for point in points_of(candles):
        peeked = [indicator.peek(point), indicator.peek(point)]
        value = indicator.update(point)
        assert peeked == [value, value]
        assert value == indicator.value == untouched.update(point)


@every_indicator
def test_opening_again_forgets_what_was_fed_before(build: Any, points_of: Any) -> None:
    used, fresh = build(), build()
    used.open_and_fill(points_of(golden_series(80, sign=-1)))

    again = used.open_and_fill(points_of(golden_series(90)))

    assert again == fresh.open_and_fill(points_of(golden_series(90)))


@every_indicator
@given(candles=candle_lists(low=30, high=120), count=st.integers(1, 12))
@settings(max_examples=15, deadline=None)
def test_tail_has_the_bits_of_the_whole(build: Any, points_of: Any, candles: list[Candle], count: int) -> None:
    points = points_of(candles)

    tail = fill_tail(build(), points, count=count)

    assert tail == build().open_and_fill(points)[-count:]


@pytest.mark.parametrize(("build", "points_of"), [INDICATORS[2], INDICATORS[4], INDICATORS[5]], ids=["rsi", "k", "atr"])
def test_finite_memory_forgets_a_wild_past_to_the_last_bit(build: Any, points_of: Any) -> None:
    wild = [Candle(0, 1e9, 3e9, 1e-9, 1e9 / 3, 1e9)] * 40
    calm = golden_series(60)

    joined_early = build().open_and_fill(points_of([*wild, *calm]))
    joined_late = build().open_and_fill(points_of(calm))

    assert joined_early[-1] == joined_late[-1]


def test_rsi_of_a_market_that_only_rises_is_100() -> None:
    assert RelativeStrength(3).open_and_fill([1.0, 2.0, 2.0, 5.0]) == [None, None, None, 100.0]


def test_rsi_of_a_market_that_only_falls_is_0() -> None:
    assert RelativeStrength(3).open_and_fill([5.0, 2.0, 2.0, 1.0])[-1] == 0.0


def test_rsi_of_a_still_market_is_undefined_even_after_a_lively_one() -> None:
    closes = [*closes_of(golden_series(40)), *[4000.1] * 20]

    assert RelativeStrength().open_and_fill(closes)[-1] is None


def test_still_market_has_no_stochastic_but_a_bias_of_its_bottom() -> None:
    candles = flat_series(70)

    assert Stochastic().open_and_fill(candles)[-1] == (None, None)
    assert MarketBias().open_and_fill(candles)[-1] == (0.0, 0.0, -1)


def test_averages_of_a_still_market_do_not_drift() -> None:
    macd = Macd().open_and_fill([4000.1] * 500)[-1]

    assert macd == (0.0, 0.0, 0.0)


def test_trend_turns_only_when_a_close_leaves_the_band_before() -> None:
    trend = [value.trend for value in TwinRangeFilter().open_and_fill(golden_series(120)) if value]

    assert trend[0] == 0
    assert set(trend) <= {-1, 0, 1}
    assert 1 in trend


def as_arrays(candles: Sequence[Candle]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.array([getattr(c, name) for c in candles]) for name in ("high", "low", "close"))  # type: ignore[return-value]


def test_simple_average_agrees_with_talib() -> None:
    closes = closes_of(golden_series(300))

    ours = SimpleAverage(20).open_and_fill(closes)

    assert ours[19:] == pytest.approx(talib.SMA(np.array(closes), 20)[19:], abs=1e-9)


def test_stochastic_agrees_with_talib() -> None:
    candles = golden_series(300)

    ours = Stochastic().open_and_fill(candles)

    k, d = talib.STOCH(*as_arrays(candles), 14, 3, 0, 3, 0)  # type: ignore[arg-type]  # 0 is a simple average
    assert [value.k for value in ours][17:] == pytest.approx(k[17:], abs=1e-9)
    assert [value.d for value in ours][17:] == pytest.approx(d[17:], abs=1e-9)


def test_atr_is_the_simple_average_of_talibs_true_range() -> None:
    candles = golden_series(300)

    ours = AverageTrueRange().open_and_fill(candles)

    ranges = talib.TRANGE(*as_arrays(candles))
    assert ours[14:] == pytest.approx(talib.SMA(ranges[1:], 14)[13:], abs=1e-9)


def test_averages_meet_talib_once_the_seed_has_faded() -> None:
    closes = closes_of(golden_series(1200))

    ours = ExponentialAverage(50).open_and_fill(closes)
    macd = Macd().open_and_fill(closes)

    assert ours[-1] == pytest.approx(talib.EMA(np.array(closes), 50)[-1], abs=1e-9)
    line, signal, histogram = (column[-1] for column in talib.MACD(np.array(closes)))
    assert macd[-1] == pytest.approx((line, signal, histogram), abs=1e-9)
