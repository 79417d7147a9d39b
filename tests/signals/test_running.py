"""One run, whichever way it is driven: equal signals to the last bit, from any beginning and across any restart."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.messages import Interval, Mode
from services.signals.domain.anchors import BLOCK, HELD, WARM_UP, last_stretch, stretches
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.candle import Candle
from services.signals.domain.columns import Moments, columns_of, part
from services.signals.domain.history import CandleHistory
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.protections import News
from services.signals.domain.running import StrategyRun, published
from services.signals.domain.strategy import Strategy, build_strategy
from services.signals.domain.view import values_of
from tests.signals.builders import flat_series, market_with_breaks

CLASSICS = ("ema_cross", "breakout", "range_reversion")
LIVELY: dict[str, dict[str, Any]] = {  # parameters that make it speak often, so that equality says something
    "ema_cross": {"fast": 5, "slow": 30},
    "breakout": {"channel": 10, "keltner_ranges": 1.0, "adx_least": 0.0},
    "range_reversion": {"deviations": 1.0, "adx_most": 40.0, "rsi_low": 45.0, "rr_least": 0.25},
}
MARKET = market_with_breaks(seed=7, count=9_000)


def strategy_called(name: str) -> Strategy[Any]:
    return build_strategy(BUILT_IN[name], LIVELY[name], Interval.M1)


def fed(run: StrategyRun, candles: Sequence[Candle]) -> list[Evaluation]:
    return [run.feed(candle) for candle in candles]


def auto_signals(told: Sequence[Evaluation], first: int = 0) -> list[tuple[int, Signal]]:
    verdicts = ((place, one.verdict(Mode.AUTO)) for place, one in enumerate(told, start=first))
    return [(place, verdict) for place, verdict in verdicts if isinstance(verdict, Signal)]


@pytest.mark.parametrize("name", CLASSICS)
def test_columns_and_single_candles_say_the_same_to_the_last_bit(name: str) -> None:
    strategy, columns = strategy_called(name), columns_of(MARKET)

    one_by_one = fed(StrategyRun(strategy), MARKET)

    assert [told for _, told in StrategyRun(strategy).evaluations(columns)] == one_by_one
    assert list(StrategyRun(strategy).signals(columns)) == auto_signals(one_by_one)
    assert len(auto_signals(one_by_one)) > 30


@pytest.mark.parametrize("name", [*CLASSICS, "trend_pullback"])
@pytest.mark.parametrize("restart", [1, 700, WARM_UP + 3, 6_001])
def test_a_restart_from_what_the_stream_keeps_changes_nothing(name: str, restart: int) -> None:
    strategy = build_strategy(BUILT_IN[name], LIVELY.get(name, {}), Interval.M1)
    uninterrupted = StrategyRun(strategy)
    if name in CLASSICS:
        fed(uninterrupted, MARKET[:restart])
    kept = CandleHistory(HELD)
    for candle in MARKET[:restart][-HELD:]:
        kept.add(candle)
        if name not in CLASSICS:
            uninterrupted._history.add(candle)  # a window is all it looks at; judging each would only take time

    went_on = fed(uninterrupted, MARKET[restart : restart + 400])
    restarted = fed(StrategyRun(strategy, kept), MARKET[restart : restart + 400])

    assert restarted == went_on


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_any_part_of_a_market_is_judged_as_the_whole(data: st.DataObject) -> None:
    strategy, columns = strategy_called(data.draw(st.sampled_from(CLASSICS))), columns_of(MARKET)
    first = data.draw(st.integers(0, len(MARKET) - 1))
    last = data.draw(st.integers(first, len(MARKET)))
    whole = list(StrategyRun(strategy).signals(columns))

    some = list(StrategyRun(strategy).signals(columns, first, last))

    assert some == [(place, signal) for place, signal in whole if first <= place < last]


@pytest.mark.parametrize("name", CLASSICS)
def test_what_happened_before_the_candles_that_are_kept_is_forgotten_whole(name: str) -> None:
    strategy = strategy_called(name)
    end = len(MARKET)
    columns = columns_of(MARKET)

    of_all = list(StrategyRun(strategy).evaluations(columns, end - 1))
    of_kept = list(StrategyRun(strategy).evaluations(part(columns, end - HELD, end), HELD - 1))

    assert [told for _, told in of_kept] == [told for _, told in of_all]


@pytest.mark.parametrize("name", CLASSICS)
def test_the_future_changes_nothing_that_was_said(name: str) -> None:
    strategy = strategy_called(name)
    other = [*MARKET[:5_000], *market_with_breaks(seed=8, count=1_000, begins_s=MARKET[5_000].open_time_s)]

    here = list(StrategyRun(strategy).signals(columns_of(MARKET), 0, 5_000))
    elsewhere = list(StrategyRun(strategy).signals(columns_of(other), 0, 5_000))

    assert here == elsewhere


def test_a_candle_that_comes_late_between_others_is_counted_in() -> None:
    strategy = strategy_called("ema_cross")
    late = MARKET[2_990]
    run = StrategyRun(strategy)
    fed(run, [candle for candle in MARKET[:3_000] if candle is not late])

    run._history.add(late)

    assert run.feed(MARKET[3_000]) == fed(StrategyRun(strategy), MARKET[:3_001])[-1]


def test_a_candle_in_the_past_may_be_judged_again() -> None:
    strategy = strategy_called("breakout")
    run = StrategyRun(strategy)
    told = fed(run, MARKET[:4_000])

    assert [run.judge(MARKET[place].open_time_s) for place in (3_100, 3_101, 200, 3_999)] == [
        told[3_100],
        told[3_101],
        told[200],
        told[3_999],
    ]
    with pytest.raises(LookupError, match="no candle opened at 59"):
        run.judge(59)


def test_a_strategy_that_failed_on_a_candle_goes_on_as_if_it_had_not() -> None:
    class Moody(BUILT_IN["ema_cross"]):  # type: ignore[misc]  # a class made at run time
        fails = False

        def evaluate(self, view: Any) -> Any:
            if self.fails:
                raise ZeroDivisionError
            return super().evaluate(view)

    moody, steady = build_strategy(Moody, {}, Interval.M1), build_strategy(BUILT_IN["ema_cross"], {}, Interval.M1)
    run = StrategyRun(moody)
    fed(run, MARKET[:1_000])
    moody.fails = True  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        run.feed(MARKET[1_000])
    moody.fails = False  # type: ignore[attr-defined]

    assert run.judge(MARKET[1_000].open_time_s) == fed(StrategyRun(steady), MARKET[:1_001])[-1]


def test_nothing_is_asked_before_there_are_enough_candles() -> None:
    strategy = strategy_called("ema_cross")

    told = fed(StrategyRun(strategy), MARKET[: strategy.candles_needed])

    assert {one.verdict(Mode.AUTO) for one in told[:-1]} == {NoSignal(("why.too_few_candles",))}
    assert told[-1].verdict(Mode.AUTO) != NoSignal(("why.too_few_candles",))
    assert list(StrategyRun(strategy).signals(columns_of(MARKET[:200]))) == []
    assert list(StrategyRun(strategy).signals(columns_of([]))) == []


def test_an_undefined_indicator_silences_its_candle_and_the_next() -> None:
    still = flat_series(300)
    moved = Candle(300 * 60, 4000.0, 4001.0, 4000.0, 4001.0, 10)
    after = Candle(301 * 60, 4001.0, 4002.0, 4001.0, 4002.0, 10)

    told = fed(StrategyRun(strategy_called("ema_cross")), [*still, moved, after])

    assert [one.verdict(Mode.AUTO) == NoSignal(("why.indicator_undefined",)) for one in told[-3:]] == [
        True,
        True,
        False,
    ]
    assert told[-3].indicators["rsi"] is None


def test_records_are_published_field_by_field() -> None:
    run = StrategyRun(strategy_called("breakout"))

    told = fed(run, MARKET[:200])[-1].indicators

    assert set(told) == {
        *(f"{channel}_{edge}" for channel in ("donchian", "keltner") for edge in ("upper", "middle", "lower")),
        "adx",
        "atr",
    }
    assert published(values_of(("a", "b"), (None, 1.5))) == {"a": None, "b": 1.5}


def test_a_calendar_silences_who_minds_the_news() -> None:
    strategy = strategy_called("range_reversion")
    columns = columns_of(MARKET)
    place, _ = next(StrategyRun(strategy).signals(columns))
    news = News(MARKET[place].open_time_s + 600, "USD")

    run = StrategyRun(strategy, calendar=(news,))
    told = dict(run.evaluations(columns, place, place + 1))[place]

    assert told.verdict(Mode.AUTO) == told.verdict(Mode.MANUAL) == NoSignal(("why.protection_news",))


def times_with_breaks(seed: int, interval_s: int) -> Moments:
    """Return 12,000 open times with pauses of any length between them."""
    chance = np.random.default_rng(seed)
    pauses = np.where(chance.random(12_000) < 0.003, chance.integers(1, 5_000, 12_000), 1)
    return (28_000_000 + np.cumsum(pauses)) * interval_s


class TestAnchors:
    """Where indicators begin."""

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 2**32), st.sampled_from(list(Interval)))
    def test_every_value_stands_on_enough_candles_and_on_no_more_than_are_kept(
        self, seed: int, interval: Interval
    ) -> None:
        times = times_with_breaks(seed, interval.seconds)

        found = list(stretches(times, interval.seconds))

        assert [one.first for one in found[1:]] == [one.last for one in found[:-1]]
        assert (found[0].first, found[-1].last) == (0, len(times))
        for one in found:
            assert one.last - one.seed <= HELD
            assert one.last - one.first <= BLOCK
            assert one.seed == 0 or one.first - one.seed >= WARM_UP

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**32), st.integers(HELD, 11_999))
    def test_whoever_holds_what_is_kept_finds_the_same_beginning(self, seed: int, place: int) -> None:
        times = times_with_breaks(seed, 60)
        everything = last_stretch(times[: place + 1], 60)

        kept = last_stretch(times[place + 1 - HELD : place + 1], 60)

        assert kept.seed + place + 1 - HELD == everything.seed

    def test_no_candle_is_no_stretch(self) -> None:
        assert list(stretches(columns_of([]).open_time_s, 60)) == []


def test_warm_up_of_2500_candles_leaves_nothing_of_what_was_before() -> None:
    """The rule of the specification: two runs that begin apart agree to 1e-9 once both have read 2,500 candles."""
    chance = random.Random(3)
    for name in CLASSICS:
        strategy, columns = strategy_called(name), columns_of(MARKET)
        end = chance.randrange(WARM_UP + 100, len(MARKET))
        long, short = strategy.indicators(), strategy.indicators()
        for key, indicator in long.items():
            of_all = indicator.open_and_fill(MARKET[:end])[-1]
            of_some = short[key].open_and_fill(columns.rows[end - WARM_UP : end])[-1]
            near = pytest.approx(published(values_of((key,), (of_all,))), rel=1e-9)
            assert published(values_of((key,), (of_some,))) == near, (name, key)
