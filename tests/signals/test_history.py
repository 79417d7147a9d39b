"""Candles in memory: each once, in order, never more than the cap."""

from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.candle import Candle
from services.signals.domain.history import CandleHistory
from tests.signals.builders import golden_series


def candle_at(open_time_s: int) -> Candle:
    return Candle(open_time_s, 1.0, 1.0, 1.0, 1.0, 1)


def test_a_hundred_thousand_candles_leave_no_more_than_the_cap() -> None:
    history = CandleHistory(cap=2_500)

    for open_time_s in range(0, 100_000 * 60, 60):
        history.add(candle_at(open_time_s))

    assert len(history) == 2_500
    assert history.latest == candle_at(99_999 * 60)
    assert history.window(1, until_s=97_499 * 60) == []
    assert history.window(5, until_s=97_501 * 60) == [candle_at(97_500 * 60), candle_at(97_501 * 60)]


@given(times=st.lists(st.integers(0, 50)), cap=st.integers(1, 20))
def test_any_order_of_arrival_leaves_the_newest_in_order_once(times: list[int], cap: int) -> None:
    history = CandleHistory(cap)

    added = [history.add(candle_at(time)) for time in times]

    kept = [candle.open_time_s for candle in history.window(cap)]
    assert kept == sorted(set(kept))
    assert set(kept) <= set(times)
    assert len(history) == len(kept) <= cap
    assert not times or kept[-1] == max(times)
    assert sum(added) >= len(kept)


def test_a_candle_that_comes_again_changes_nothing() -> None:
    history = CandleHistory(10)
    first = golden_series(1)[0]

    assert history.add(first)
    assert not history.add(candle_at(first.open_time_s))
    assert history.window(10) == [first]


def test_window_ends_at_the_candle_asked_for() -> None:
    history = CandleHistory(200)
    for candle in golden_series(150):
        history.add(candle)

    assert history.window(100, until_s=120 * 60) == golden_series(150)[21:121]
    assert history.window(100, until_s=30 * 60) == golden_series(31)
    assert history.window(100) == golden_series(150)[-100:]


def test_window_of_a_time_without_candle_is_empty() -> None:
    history = CandleHistory(5)
    assert history.latest is None
    history.add(candle_at(60))

    assert history.window(5, until_s=30) == []
    assert history.window(5, until_s=90) == []
