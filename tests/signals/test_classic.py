"""TA-Lib behind the indicator protocol: against its batch functions to the bit, against plain formulas to 1e-9."""

import itertools
import math
from collections.abc import Callable, Sequence
from statistics import fmean, pstdev
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.domain import classic
from services.signals.domain.averages import ExponentialAverage
from services.signals.domain.candle import Candle
from services.signals.domain.classic import Bands, Classic, Columnar
from services.signals.domain.columns import Columns, columns_of
from services.signals.domain.of_column import OfColumn
from services.signals.domain.oscillators import RelativeStrength
from services.signals.domain.session_vwap import SessionVwap
from tests.signals.builders import candle_lists, market_with_breaks

Batch = Callable[[Columns], Any]
CLASSICS: list[tuple[Callable[[], Classic], Batch]] = [
    (lambda: classic.Ema(20), lambda c: talib.EMA(c.close, 20)),
    (lambda: classic.Sma(10), lambda c: talib.SMA(c.close, 10)),
    (lambda: classic.Rsi(14), lambda c: talib.RSI(c.close, 14)),
    (lambda: classic.Atr(14), lambda c: talib.ATR(c.high, c.low, c.close, 14)),
    (lambda: classic.Adx(14), lambda c: talib.ADX(c.high, c.low, c.close, 14)),
    (classic.ClassicMacd, lambda c: talib.MACD(c.close)),
    (
        classic.ClassicStochastic,
        lambda c: talib.STOCH(c.high, c.low, c.close, fastk_period=14, slowk_period=3, slowd_period=3),
    ),
    (lambda: classic.Bollinger(20, 2.0), lambda c: talib.BBANDS(c.close, 20, 2.0, 2.0)),
    (lambda: classic.Donchian(20), lambda c: talib.DONCHIAN(c.high, c.low, 20)),
    (lambda: classic.Keltner(20, 10, 2.0), lambda c: talib.KC(c.high, c.low, c.close, 20, 10, 2.0)),
]
NAMES = ["Ema", "Sma", "Rsi", "Atr", "Adx", "ClassicMacd", "ClassicStochastic", "Bollinger", "Donchian", "Keltner"]
every_classic = pytest.mark.parametrize(("make", "batch"), CLASSICS, ids=NAMES)


def rows_of(batch: Any) -> list[Any]:
    """Return what a batch function gave as one value or tuple for each candle, None where it is undefined."""
    if isinstance(batch, tuple):
        rows = zip(*(column.tolist() for column in batch), strict=True)
        return [None if any(map(math.isnan, row)) else row for row in rows]
    return [None if math.isnan(value) else value for value in batch.tolist()]


@every_classic
@settings(max_examples=25, deadline=None)
@given(candles=candle_lists(low=60, high=140))
def test_one_by_one_it_gives_the_bits_of_the_batch_function(
    make: Callable[[], Classic], batch: Batch, candles: list[Candle]
) -> None:
    assert make().open_and_fill(candles) == rows_of(batch(columns_of(candles)))


@every_classic
@settings(max_examples=15, deadline=None)
@given(data=st.data(), candles=candle_lists(low=1, high=140))
def test_columns_and_then_candles_give_the_same_bits(
    make: Callable[[], Classic], batch: Batch, data: st.DataObject, candles: list[Candle]
) -> None:
    split = data.draw(st.integers(1, len(candles)))
    indicator, count = make(), data.draw(st.integers(1, split))
    expected = make().open_and_fill(candles)

    filled = list(indicator.fill_columns(columns_of(candles[:split]), count=count))
    went_on = [indicator.update(candle) for candle in candles[split:]]

    assert filled + went_on == expected[split - count :]
    assert indicator.value == expected[-1]


@every_classic
@settings(max_examples=15, deadline=None)
@given(candles=candle_lists(low=2, high=80))
def test_peek_tells_what_update_will_and_changes_nothing(
    make: Callable[[], Classic], batch: Batch, candles: list[Candle]
) -> None:
    indicator = make()
    for candle in candles:
        before = indicator.value
        peeked = indicator.peek(candle)
        assert indicator.value == before
        assert indicator.update(candle) == peeked


def wilder(values: Sequence[float], period: int) -> float:
    """Return the last of Wilder's averages: begun with a plain mean, then a fourteenth of each new value."""
    average = fmean(values[:period])
    for value in values[period:]:
        average = (average * (period - 1) + value) / period
    return average


def true_ranges(candles: Sequence[Candle]) -> list[float]:
    return [max(now.high, was.close) - min(now.low, was.close) for was, now in itertools.pairwise(candles)]


def plain_ema(values: Sequence[float], period: int) -> float:
    average = fmean(values[:period])
    for value in values[period:]:
        average += 2 / (period + 1) * (value - average)
    return average


def plain_rsi(candles: Sequence[Candle]) -> float:
    changes = [now.close - was.close for was, now in itertools.pairwise(candles)]
    rise, fall = wilder([max(c, 0) for c in changes], 14), wilder([max(-c, 0) for c in changes], 14)
    return 100 * rise / (rise + fall)


def plain_adx(candles: Sequence[Candle]) -> float:
    moves = [(now.high - was.high, was.low - now.low) for was, now in itertools.pairwise(candles)]
    plus = [up if up > down and up > 0 else 0.0 for up, down in moves]
    minus = [down if down > up and down > 0 else 0.0 for up, down in moves]
    strengths = []
    sums = [sum(series[:13]) for series in (plus, minus, true_ranges(candles))]
    for *new, reach in zip(plus[13:], minus[13:], true_ranges(candles)[13:], strict=True):
        sums = [total - total / 14 + value for total, value in zip(sums, (*new, reach), strict=True)]
        strengths.append(100 * abs(sums[0] - sums[1]) / (sums[0] + sums[1]))
    return wilder(strengths, 14)


def plain_keltner(candles: Sequence[Candle]) -> Bands:
    middle = plain_ema([(candle.high + candle.low + candle.close) / 3 for candle in candles], 20)
    reach = 2.0 * wilder(true_ranges(candles), 10)
    return Bands(middle + reach, middle, middle - reach)


def plain_bollinger(candles: Sequence[Candle]) -> Bands:
    closes = [candle.close for candle in candles[-20:]]
    middle, reach = fmean(closes), 2.0 * pstdev(closes)
    return Bands(middle + reach, middle, middle - reach)


def plain_donchian(candles: Sequence[Candle]) -> Bands:
    upper, lower = max(candle.high for candle in candles[-20:]), min(candle.low for candle in candles[-20:])
    return Bands(upper, (upper + lower) / 2, lower)


PLAIN: list[tuple[Columnar[Any], Callable[[Sequence[Candle]], Any]]] = [
    (classic.Ema(20), lambda candles: plain_ema([candle.close for candle in candles], 20)),
    (classic.Sma(10), lambda candles: fmean(candle.close for candle in candles[-10:])),
    (classic.Rsi(14), plain_rsi),
    (classic.Atr(14), lambda candles: wilder(true_ranges(candles), 14)),
    (classic.Adx(14), plain_adx),
    (classic.Bollinger(20, 2.0), plain_bollinger),
    (classic.Donchian(20), plain_donchian),
    (classic.Keltner(20, 10, 2.0), plain_keltner),
]


@pytest.mark.parametrize(("indicator", "formula"), PLAIN, ids=[type(one).__name__ for one, _ in PLAIN])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_what_the_formula_says(
    indicator: Columnar[Any], formula: Callable[[Sequence[Candle]], Any], seed: int
) -> None:
    candles = market_with_breaks(seed=seed, count=300)

    value = indicator.open_and_fill(candles)[-1]

    assert value == pytest.approx(formula(candles), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), candles=candle_lists(low=1, high=60))
def test_own_indicators_of_a_column_read_arrays_to_the_same_bits(data: st.DataObject, candles: list[Candle]) -> None:
    split, points = data.draw(st.integers(1, len(candles))), [candle.close for candle in candles]
    count = data.draw(st.integers(1, split))
    for inner in (RelativeStrength(5), ExponentialAverage(5)):
        expected = type(inner)(5).open_and_fill(points)
        indicator = OfColumn("close", inner)

        filled = list(indicator.fill_columns(columns_of(candles[:split]), count=count))
        peeked = [(indicator.peek(candle), indicator.update(candle)) for candle in candles[split:]]

        assert filled == expected[split - count : split]
        assert peeked == [(value, value) for value in expected[split:]]
        assert indicator.value == expected[-1]
        indicator.reset()
        assert indicator.value is None


def test_vwap_begins_anew_each_day() -> None:
    day = 86_400
    candles = [
        Candle(day - 120, 10, 12, 9, 9, 2),
        Candle(day - 60, 10, 11, 10, 12, 0),
        Candle(day, 20, 22, 20, 21, 3),
        Candle(day + 60, 20, 25, 20, 24, 1),
    ]

    assert SessionVwap().open_and_fill(candles) == pytest.approx([10, 10, 21, (63 + 23) / 4])
    assert SessionVwap(begins_s=60).open_and_fill(candles)[2:] == pytest.approx([(20 + 63) / 5, 23])
    assert SessionVwap().open_and_fill([candles[1]]) == [None]


def test_vwap_peek_tells_what_update_will() -> None:
    indicator = SessionVwap()
    for candle in market_with_breaks(seed=5, count=2_000):
        assert indicator.peek(candle) == indicator.update(candle)
        assert indicator.value is not None


def test_a_price_that_is_no_number_is_refused_and_changes_nothing() -> None:
    candles = market_with_breaks(seed=2, count=60)
    indicator = classic.Ema(20)
    before = indicator.open_and_fill(candles)[-1]

    with pytest.raises(Exception, match="TA_EMA_Update"):
        indicator.update(Candle(0, math.nan, math.nan, math.nan, math.nan, 1))

    assert indicator.value == before
    assert np.isfinite(indicator.update(candles[-1]))
