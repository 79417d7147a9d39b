"""What is remembered: evaluations without end are not, and a failed reading is made good."""

import pytest

from chassis.clock import ManualClock
from chassis.errors import TransientError
from contracts.messages import CandleClosed, FeedState, Interval
from services.signals.domain.judged_series import EVALUATIONS_KEPT, JudgedSeries
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.handlers.memory import MarketMemory, SeriesMemory
from tests.signals.builders import flat_series, golden_series
from tests.signals.market import SYMBOL, history

STRATEGY = build_strategy(TrendPullback, {})


class ListArchive:
    """The stream as a list; each number in `fails_at` is a call that finds the broker away."""

    def __init__(self, messages: list[CandleClosed], *, fails_at: tuple[int, ...] = ()) -> None:
        self.messages = messages
        self.asked: list[int] = []
        self._fails_at = fails_at

    async def latest_candles(self, symbol: str, interval: Interval, count: int) -> list[CandleClosed]:
        self.asked.append(count)
        if len(self.asked) in self._fails_at:
            raise TransientError("the broker is away")
        return self.messages[-count:] if interval is Interval.M1 else []

    async def feed_state(self, symbol: str) -> FeedState | None:
        return None


def messages(count: int) -> list[CandleClosed]:
    clock = ManualClock()
    return [history(candle, clock) for candle in golden_series(count)]


def memory_of(archive: ListArchive, *, cap: int = 200) -> SeriesMemory:
    return SeriesMemory(SYMBOL, Interval.M1, JudgedSeries(cap), archive)


def test_no_more_evaluations_are_kept_than_the_longest_chart_needs() -> None:
    series = JudgedSeries(2_000)
    candles = flat_series(1_000)
    for candle in candles:
        series.add(candle)
        series.judge(STRATEGY, candle.open_time_s)

    known = [candle for candle in candles if series.known(STRATEGY, candle.open_time_s)]

    assert known == candles[-EVALUATIONS_KEPT:]


async def test_history_is_read_once_and_then_only_what_is_new() -> None:
    archive = ListArchive(messages(150))
    series = memory_of(archive)

    await series.sync()
    archive.messages = messages(151)
    await series.sync()
    await series.sync()

    assert archive.asked == [200, 1, 1]
    assert series.count == 151


async def test_candle_that_follows_the_newest_costs_no_question() -> None:
    archive = ListArchive(messages(150))
    series = memory_of(archive)

    await series.sync()
    for message in messages(160)[148:]:
        await series.learn(message)

    assert archive.asked == [200]
    assert series.count == 160


async def test_candle_after_a_pause_reads_the_history_again() -> None:
    archive = ListArchive(messages(150))
    series = memory_of(archive)

    await series.sync()
    archive.messages = messages(152)
    await series.learn(messages(152)[-1])

    assert archive.asked == [200, 200]
    assert series.count == 152


async def test_question_after_a_candle_that_another_copy_heard_reads_it() -> None:
    archive = ListArchive(messages(150))
    series = memory_of(archive)

    await series.sync()
    archive.messages = messages(153)
    await series.sync()

    assert archive.asked == [200, 1, 200]
    assert series.count == 153


async def test_candle_that_came_by_itself_makes_the_next_question_read_the_history() -> None:
    archive = ListArchive(messages(150))
    series = memory_of(archive)

    await series.sync()
    series.take(messages(153)[-1])
    archive.messages = messages(154)
    await series.learn(messages(154)[-1])

    assert archive.asked == [200, 200]
    assert series.count == 154


async def test_stream_without_candles_is_asked_each_time() -> None:
    archive = ListArchive([])
    series = memory_of(archive)

    await series.sync()
    await series.sync()

    assert archive.asked == [200, 1]
    assert series.count == 0


async def test_reading_that_failed_is_made_good_by_the_next() -> None:
    archive = ListArchive(messages(150), fails_at=(1,))
    series = memory_of(archive)

    with pytest.raises(TransientError):
        await series.sync()
    await series.learn(messages(150)[-1])

    assert series.count == 150


async def test_warm_up_judges_what_the_first_chart_shows() -> None:
    archive = ListArchive(messages(150))
    memory = MarketMemory(archive, candles_held=2_500)

    await memory.warm_up(SYMBOL, STRATEGY, charted=120)

    assert memory.held() == {"XAUUSD.M1": 150, "XAUUSD.M5": 0, "XAUUSD.M15": 0, "XAUUSD.H1": 0}
    assert not memory.is_live(SYMBOL)
