"""Questions: a manual signal or why not, and the numbers behind a chart."""

import asyncio
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from chassis.clock import ManualClock
from chassis.errors import AskFailedError, TransientError
from chassis.memory_bus import MemoryBus
from contracts import asks, catalogue
from contracts.messages import FeedState, Interval, Mode
from services.signals import wiring
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.domain.view import View
from tests.signals.builders import golden_series
from tests.signals.market import SYMBOL, enter, handled, history, open_market, publish, room_on, told, until

PAST = golden_series(104)
CONVINCING = golden_series(105)[-1]
NOW = asks.EvaluateNow(symbol=SYMBOL)


def updates() -> float:
    return REGISTRY.get_sample_value("sinyal_indicator_updates_total", {"symbol": SYMBOL, "interval": "M1"}) or 0.0


async def test_manual_signal_is_on_the_record_when_it_is_told() -> None:
    async with open_market(PAST) as (bus, clock, _):
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)

        answer = await bus.ask(catalogue.EVALUATE, NOW)

        assert answer.signal is not None
        assert bus.said(catalogue.SIGNAL) == [answer.signal]
        assert (answer.signal.mode, answer.signal.score) == (Mode.MANUAL, None)
        assert (answer.signal.stop, answer.signal.targets, answer.signal.strength) == (4008.5, (4014.04,), 0.15)
        assert answer.signal.id == "s:XAUUSD:trend_pullback:manual:M1:6240"


async def test_two_hundred_askers_cost_one_computation_and_one_record() -> None:
    async with open_market(PAST) as (bus, clock, _):
        before = updates()
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)

        answers = await asyncio.gather(*(bus.ask(catalogue.EVALUATE, NOW) for _ in range(200)))

        assert updates() - before == 1
        assert len(bus.said(catalogue.SIGNAL)) == 1
        assert {answer.signal.id for answer in answers if answer.signal} == {bus.said(catalogue.SIGNAL)[0].id}
        assert len([answer for answer in answers if answer.signal]) == 200


async def test_evaluation_is_answered_within_fifty_milliseconds() -> None:
    async with open_market(PAST) as (bus, clock, _):
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)
        took_s = []
        for _ in range(20):
            started = time.perf_counter()
            await bus.ask(catalogue.EVALUATE, NOW)
            took_s.append(time.perf_counter() - started)

        assert sorted(took_s)[10] < 0.05


async def test_each_asker_gets_a_signal_that_is_valid_from_now_on() -> None:
    async with open_market(PAST) as (bus, clock, _):
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)

        first = await bus.ask(catalogue.EVALUATE, NOW)
        clock.advance(50)
        second = await bus.ask(catalogue.EVALUATE, NOW)

        assert first.signal is not None
        assert second.signal is not None
        assert (second.signal.at - first.signal.at).total_seconds() == 50
        assert second.signal.id == first.signal.id


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bid": None}, ("why.no_quote",)),
        ({"backfilled": True, "ask": None}, ("why.no_quote",)),
        ({"age_s": 166.0}, ("why.candle_too_old",)),
    ],
)
async def test_manual_signal_is_refused_with_a_reason(changes: dict[str, Any], why: tuple[str, ...]) -> None:
    async with open_market(PAST) as (bus, clock, _):
        await publish(bus, told(CONVINCING, clock, **changes))
        await handled(bus)

        assert await bus.ask(catalogue.EVALUATE, NOW) == asks.Evaluation(signal=None, why=why)
        assert bus.said(catalogue.SIGNAL) == []


async def test_candle_that_does_not_convince_tells_what_is_missing() -> None:
    async with open_market(golden_series(99)) as (bus, clock, _):
        await publish(bus, told(golden_series(100)[-1], clock))
        await handled(bus)

        answer = await bus.ask(catalogue.EVALUATE, NOW)

        assert answer == asks.Evaluation(signal=None, why=("why.trf_with.sell", "why.cerebr_with.sell"))


async def test_manual_signal_needs_a_live_feed() -> None:
    async with open_market(PAST) as (bus, clock, room):
        await enter(bus, clock, FeedState.STALE)
        await until(lambda: not room.memory.is_live(SYMBOL))

        assert (await bus.ask(catalogue.EVALUATE, NOW)).why == ("why.feed_not_live",)


async def test_symbol_without_candles_cannot_be_judged() -> None:
    async with open_market(PAST) as (bus, _, _room):
        answer = await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="EURUSD"))

        assert answer.why == ("why.too_few_candles",)


async def test_strategy_that_does_not_run_is_a_typed_error() -> None:
    async with open_market(PAST) as (bus, _, _room):
        with pytest.raises(AskFailedError) as failed:
            await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol=SYMBOL, strategy="astrology"))

    assert failed.value.code == "unknown_strategy"


async def test_copy_that_did_not_hear_the_candle_reads_it_back_before_it_answers() -> None:
    async with open_market(PAST) as (bus, clock, one), room_on(bus, clock) as other:
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)

        answers = [await bus.ask(catalogue.EVALUATE, NOW) for _ in range(2)]

        assert len({answer.signal.id for answer in answers if answer.signal}) == 1
        assert all(answer.signal for answer in answers)
        assert one.memory.held() == other.memory.held()


async def test_series_shows_what_the_strategy_read_at_each_candle() -> None:
    candles = golden_series(300)
    async with open_market(candles) as (bus, _, _room):
        series = await bus.ask(catalogue.SERIES, asks.GetSeries(symbol=SYMBOL, interval=Interval.M1, count=120))

    strategy = build_strategy(TrendPullback, {})
    assert series.open_time_s == [c.open_time_s for c in candles[-120:]]
    assert (series.open, series.high) == ([c.open for c in candles[-120:]], [c.high for c in candles[-120:]])
    assert (series.low, series.close) == ([c.low for c in candles[-120:]], [c.close for c in candles[-120:]])
    assert series.volume == [c.volume for c in candles[-120:]]
    for place in (0, 60, 119):
        end = 180 + place + 1
        read = strategy.evaluate(View.of(candles[end - 100 : end])).indicators
        assert {name: line[place] for name, line in series.indicators.items()} == read


async def test_series_ends_at_the_candle_asked_for() -> None:
    async with open_market(golden_series(130)) as (bus, _, _room):
        request = asks.GetSeries(symbol=SYMBOL, interval=Interval.M1, count=30, until_s=100 * 60)
        series = await bus.ask(catalogue.SERIES, request)

    assert (series.open_time_s[0], series.open_time_s[-1], len(series.open)) == (71 * 60, 100 * 60, 30)
    assert all(len(line) == 30 for line in series.indicators.values())


async def test_series_of_a_young_market_has_undefined_lines() -> None:
    async with open_market(golden_series(61)) as (bus, _, _room):
        series = await bus.ask(catalogue.SERIES, asks.GetSeries(symbol=SYMBOL, interval=Interval.M1))

    assert len(series.close) == 61
    assert [value is None for value in series.indicators["ema_50"]] == [True] * 59 + [False] * 2


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (asks.GetSeries(symbol=SYMBOL, interval=Interval.M1, count=0), "bad_count"),
        (asks.GetSeries(symbol=SYMBOL, interval=Interval.M1, count=501), "bad_count"),
        (asks.GetSeries(symbol=SYMBOL, interval=Interval.M1, until_s=90), "no_candles"),
        (asks.GetSeries(symbol=SYMBOL, interval=Interval.H1), "no_candles"),
    ],
)
async def test_series_that_cannot_be_had_is_a_typed_error(request_: asks.GetSeries, code: str) -> None:
    async with open_market(PAST) as (bus, _, _room):
        with pytest.raises(AskFailedError) as failed:
            await bus.ask(catalogue.SERIES, request_)

    assert failed.value.code == code


async def test_late_candle_corrects_what_was_said_after_it() -> None:
    candles = golden_series(160)
    clock = ManualClock()
    bus = MemoryBus(clock)
    await publish(bus, *(history(c, clock) for c in candles if c.open_time_s != 120 * 60))
    request = asks.GetSeries(symbol=SYMBOL, interval=Interval.M1, count=500)
    async with room_on(bus, clock):
        holed = await bus.ask(catalogue.SERIES, request)
        await publish(bus, history(candles[120], clock))
        await handled(bus)
        whole = await bus.ask(catalogue.SERIES, request)

    assert len(whole.close) == len(holed.close) + 1 == 160
    expected = build_strategy(TrendPullback, {}).evaluate(View.of(candles[60:160])).indicators
    assert {name: line[-1] for name, line in whole.indicators.items()} == expected
    assert whole.indicators["rsi"][119] == holed.indicators["rsi"][119]


async def test_a_start_waits_for_a_broker_that_does_not_tell_the_past_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(wiring, "LONGEST_PAUSE_S", 0.03)
    failing = [TransientError("no answer within 3 s")] * 4

    class Slow(MemoryBus):
        async def latest(self, *asked: Any, count: int = 1) -> Any:
            if failing:
                raise failing.pop()
            return await super().latest(*asked, count=count)

    clock = ManualClock()
    bus = Slow(clock)
    await enter(bus, clock, FeedState.LIVE)
    await publish(bus, *(history(candle, clock) for candle in PAST))
    with capture_logs() as lines:
        async with room_on(bus, clock) as room:
            held = room.memory.held()[f"{SYMBOL}.M1"]
            feeds = room.memory.feeds

    assert held == len(PAST)
    assert feeds == {SYMBOL: FeedState.LIVE}
    assert [line["delay_s"] for line in lines if line["event"] == "market.unread"] == [0.01, 0.02, 0.03, 0.03]


async def test_broker_that_is_away_is_told_and_forgotten_when_it_is_back() -> None:
    async with open_market(PAST) as (bus, clock, room):
        series = room.memory.series(SYMBOL, Interval.M1)
        series.take(told(CONVINCING, clock))
        bus.cut()
        with pytest.raises(TransientError):
            await series.sync()
        bus.mend()
        await publish(bus, told(CONVINCING, clock))

        assert (await bus.ask(catalogue.EVALUATE, NOW)).signal is not None
