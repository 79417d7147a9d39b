"""The feed against the exchange simulator, over a real broker: no hole, no double, in order, whatever happens."""

import asyncio
import itertools
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from chassis.nats_bus import connect
from contracts.messages import CandleClosed, FeedState, Interval
from sandbox.exchange.server import ExchangeServer
from tests.feed.builders import until
from tests.feed.plain_market import PlainTape
from tests.feed.running import LEGACY_PATH, NEW_PATH, Published, patient_at, published, running_feed
from tests.feed.wholeness import assert_candles, assert_whole

pytestmark = pytest.mark.real

SPEED = 240.0
"""Four market minutes a second. Silence is never counted in less than two seconds of the wall, so a busy machine may be
late for that long at any speed."""

S = FeedState


@asynccontextmanager
async def market(nats_url: str, tape: PlainTape, *, speed: float = SPEED):
    """A simulator and a bus."""
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(ExchangeServer(tape, speed=speed))
        bus = await stack.enter_async_context(connect(nats_url, name="feed"))
        yield exchange, bus


PATIENT = patient_at(SPEED)
IN_DIALECTS = pytest.mark.parametrize(("dialect", "path"), [("new", NEW_PATH), ("legacy", LEGACY_PATH)])


@IN_DIALECTS
async def test_a_start_tells_a_thousand_candles(nats, dialect, path) -> None:
    tape = PlainTape()
    async with (
        market(nats, tape, speed=1.0) as (exchange, bus),
        running_feed(bus, exchange.url + path, dialect=dialect) as running,
    ):
        await running.reaches(S.LIVE)
        started = (await published(bus)).candles[Interval.M1]

    assert sum(candle.backfilled and candle.open_time_s * 1000 < tape.live_ms for candle in started) == 1000


@IN_DIALECTS
async def test_a_start_goes_live_without_a_seam(nats, dialect, path) -> None:
    tape = PlainTape()
    async with market(nats, tape) as (exchange, bus):
        async with running_feed(bus, exchange.url + path, dialect=dialect, market_speed=SPEED, **PATIENT) as running:
            await running.reaches(S.LIVE)
            await running.goes_on(minutes=4)
        found = await published(bus)

    assert len(found.candles[Interval.M1]) >= 1001
    assert_whole(found, tape)
    assert [change.state for change in found.states] == [S.RECONNECTING, S.BACKFILLING, S.LIVE, S.RECONNECTING]
    assert found.states[-1].reason == "the feed was stopped"


async def test_the_volume_of_a_strategys_window_is_counted_from_the_first_start(nats) -> None:
    tape = PlainTape()
    async with market(nats, tape, speed=1.0) as (exchange, bus):
        async with running_feed(bus, exchange.url + NEW_PATH) as running:
            await running.reaches(S.LIVE)
        minutes = (await published(bus)).candles[Interval.M1]

    assert [candle.volume for candle in minutes[-100:]] == [60] * 100
    assert {candle.volume for candle in minutes[:-100]} == {0}


async def test_live_candles_carry_the_quote_they_closed_with_and_history_has_none(nats) -> None:
    tape = PlainTape()
    minutes: list[CandleClosed] = []
    async with (
        market(nats, tape) as (exchange, bus),
        running_feed(bus, exchange.url + NEW_PATH, market_speed=SPEED) as running,
        asyncio.timeout(100),
    ):
        await running.reaches(S.LIVE)
        while all(candle.backfilled for candle in minutes):
            await running.goes_on(minutes=4)
            minutes = (await published(bus)).candles[Interval.M1]

    for candle in minutes:
        last = tape.between((candle.open_time_s + 59) * 1000, (candle.open_time_s + 59) * 1000)[0]
        expected = (None, None, None) if candle.backfilled else (last.epoch_ms, last.bid, last.ask)
        assert (candle.quote_ms, candle.bid, candle.ask) == expected


@pytest.mark.parametrize(
    ("fault", "seconds", "patience", "states"),
    [
        ("outage", 0.6, PATIENT, [S.RECONNECTING, S.BACKFILLING, S.LIVE]),
        ("close", None, PATIENT, [S.RECONNECTING, S.BACKFILLING, S.LIVE]),
        ("half_open", 20.0, {}, [S.STALE, S.RECONNECTING, S.BACKFILLING, S.LIVE]),
        ("late", 0.6, PATIENT, []),
    ],
)
async def test_after_a_fault_of_the_link_nothing_is_missing_and_nothing_is_told_twice(
    nats, fault, seconds, patience, states
) -> None:
    tape = PlainTape()
    async with market(nats, tape) as (exchange, bus):
        async with running_feed(bus, exchange.url + NEW_PATH, market_speed=SPEED, **patience) as running:
            await running.reaches(S.LIVE)
            before = len((await published(bus)).states)
            exchange.set_fault(fault, seconds=seconds)
            if states:
                await running.reaches(S.RECONNECTING)
            await running.reaches(S.LIVE)
            await asyncio.sleep((seconds or 0) * (not states))
            await running.goes_on(minutes=3)
            await running.reaches(S.LIVE)
        found = await published(bus)

    assert_whole(found, tape)
    assert [change.state for change in found.states[before:-1]] == states
    assert found.gaps == []


async def test_quotes_that_the_stream_left_out_are_asked_for_before_it_goes_on(nats) -> None:
    tape = PlainTape()
    async with market(nats, tape) as (exchange, bus):
        async with running_feed(bus, exchange.url + NEW_PATH, market_speed=SPEED, **PATIENT) as running:
            await running.reaches(S.LIVE)
            silent_from_ms = exchange.market.told_ms
            exchange.set_fault("silence", seconds=600)
            await until(lambda: exchange.market.told_ms >= silent_from_ms + 120_000)
            exchange.clear_faults()
            await running.goes_on(minutes=3)
            await running.reaches(S.LIVE)
        found = await published(bus)

    assert sum(tick.backfilled and tick.epoch_ms > silent_from_ms for tick in found.ticks) > 30
    assert_whole(found, tape)


async def test_garbage_is_counted_by_reason_and_the_feed_goes_on(nats) -> None:
    def counted() -> dict[str, float]:
        samples = [s for metric in REGISTRY.collect() if metric.name == "sinyal_bad_input" for s in metric.samples]
        return {s.labels["reason"]: s.value for s in samples if s.name == "sinyal_bad_input_total"}

    speed = 4.0  # a pause of half a second around a minute's end would have a repair leave some out uncounted
    tape, before = PlainTape(), counted()
    async with market(nats, tape, speed=speed) as (exchange, bus):
        told = {"market_speed": speed, **patient_at(speed)}
        async with running_feed(bus, exchange.url + NEW_PATH, **told) as running:
            await running.reaches(S.LIVE)
            states = len((await published(bus)).states)
            exchange.set_fault("garbage", count=9)
            exchange.set_fault("duplicate", count=3)
            await until(lambda: sum(counted().values()) - sum(before.values()) >= 12)
        found = await published(bus)

    after = counted()
    dropped = {
        reason: after[reason] - before.get(reason, 0) for reason in after if after[reason] != before.get(reason, 0)
    }
    assert dropped == {
        "not_json": 1, "no_bid_ask": 1, "crossed": 1, "non_positive": 1, "jump": 1, "unknown_symbol": 1,
        "backwards": 1, "malformed": 2, "duplicate": 3,
    }  # fmt: skip
    assert len(found.states) == states + 1
    assert_whole(found, tape)


async def test_a_feed_that_starts_again_goes_on_where_the_broker_stands(nats) -> None:
    tape = PlainTape()
    async with market(nats, tape) as (exchange, bus):
        for _ in range(3):
            async with running_feed(bus, exchange.url + NEW_PATH, market_speed=SPEED) as running:
                await running.reaches(S.LIVE)
                await asyncio.sleep(0.4)
            await asyncio.sleep(0.3)
        found = await published(bus)

    assert_whole(found, tape)
    for interval in Interval:
        assert all(a.open_time_s < b.open_time_s for a, b in itertools.pairwise(found.candles[interval]))


def assert_whole_but_for_the_brokers_own_loss(found: Published, tape: PlainTape, most: int) -> None:
    """Ticks are in order, once each; a killed broker may have lost some that it had acknowledged, at one place."""
    told = [tick.epoch_ms for tick in found.ticks]
    expected = [quote.epoch_ms for quote in tape.between(told[0], told[-1])]
    missing = sorted(set(expected) - set(told))
    assert told == sorted(set(told))
    assert set(told) <= set(expected)
    assert len(missing) <= most
    assert not missing or (missing[-1] - missing[0]) // 1000 < len(missing)
    assert_candles(found, tape)


async def test_a_broker_that_dies_and_comes_back_is_told_what_it_missed(own_nats_server) -> None:
    tape = PlainTape()
    async with market(own_nats_server.url, tape) as (exchange, bus):
        async with running_feed(bus, exchange.url + NEW_PATH, market_speed=SPEED) as running:
            await running.reaches(S.LIVE)
            await asyncio.sleep(0.5)
            own_nats_server.kill()
            await asyncio.sleep(0.5)
            own_nats_server.start()
            await until(lambda: bus.is_connected and not running.outlet.depth)
            await asyncio.sleep(0.4)
            await running.reaches(S.LIVE)
        found = await published(bus)

    assert_whole_but_for_the_brokers_own_loss(found, tape, most=int(SPEED / 2))


async def test_a_broker_that_is_away_for_too_long_is_told_all_anew_when_it_is_back(own_nats_server) -> None:
    tape = PlainTape()
    async with market(own_nats_server.url, tape, speed=600.0) as (exchange, bus):
        async with running_feed(bus, exchange.url + NEW_PATH, market_speed=600.0, backlog=1000) as running:
            await running.reaches(S.LIVE)
            own_nats_server.kill()
            await until(lambda: running.outlet.is_lost)
            own_nats_server.start()
            await until(lambda: not running.outlet.is_lost)
            await running.reaches(S.LIVE)
            await asyncio.sleep(1)
        found = await published(bus)

    assert_whole_but_for_the_brokers_own_loss(found, tape, most=300)
