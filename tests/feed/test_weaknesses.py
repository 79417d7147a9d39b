"""The predecessor's weaknesses that a feed can have (product.md section 9), each shown gone on a real broker."""

import asyncio
import gc
import itertools
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest

from chassis.bus import Bus
from chassis.clock import ManualClock, MarketClock
from chassis.nats_bus import connect
from contracts import catalogue
from contracts.messages import FeedState as S
from contracts.messages import Interval
from sandbox.exchange.server import ExchangeServer
from services.feed.domain.backfill import minutes
from services.feed.domain.corrections import KEPT_MINUTES
from services.feed.domain.instruments import Instrument
from services.feed.domain.quotes import Bar, Candle
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.symbol_feed import Patience, SymbolFeed
from services.feed.handlers.teller import Teller
from tests.feed.builders import NOON_MS, until
from tests.feed.plain_market import PlainTape
from tests.feed.running import NEW_PATH, patient_at, published, running_feed
from tests.feed.wholeness import assert_whole

pytestmark = pytest.mark.real

SPEED = 240.0
PATIENT = {"market_speed": SPEED, **patient_at(SPEED)}


@asynccontextmanager
async def market(nats_url: str, tape: PlainTape):
    """A simulator and the feed's bus."""
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(ExchangeServer(tape, speed=SPEED))
        bus = await stack.enter_async_context(connect(nats_url, name="feed"))
        yield exchange, bus


async def tell_candles(bus: Bus, amount: int) -> tuple[Outlet, list[int]]:
    """Let a feed tell so many minutes of history; return its outlet, and how many candles the broker then holds."""
    clock = ManualClock(datetime.fromtimestamp(NOON_MS / 1000, UTC))
    market_clock = MarketClock(clock)
    outlet = Outlet(bus)
    speaking = asyncio.ensure_future(outlet.run())
    teller = Teller("XAUUSD", "deriv", outlet, clock, market_clock)
    feed = SymbolFeed(Instrument(2, 0.1, hours=None), teller, clock, market_clock, Patience())
    first_s = NOON_MS // 1000 - amount * 60
    bars = (Bar(first_s + 60 * number, 4000, 4001, 3999, 4000.5) for number in range(amount))
    for minute in minutes(bars, (), from_ms=0, now_ms=NOON_MS, count=amount):
        feed.fill((minute,), 0)
        await outlet.has_room()
    await outlet.drained()
    speaking.cancel()
    await asyncio.wait({speaking})
    del bars, minute
    gc.collect()
    assert sum(isinstance(thing, Candle) for thing in gc.get_objects()) <= KEPT_MINUTES + 10
    return outlet, [len(await bus.latest(catalogue.CANDLE, "XAUUSD", i, count=10_000)) for i in Interval]


async def test_s1_a_hundred_thousand_candles_leave_a_bounded_number_behind(nats) -> None:
    async with connect(nats, name="feed") as bus:
        outlet, kept = await tell_candles(bus, 100_000)

    assert kept == [5000, 5000, 5000, 1666]
    assert len(outlet._remembered) <= 5000


async def test_x2_in_an_outage_there_is_no_tick_and_it_is_told_once(nats) -> None:
    tape = PlainTape()
    async with market(nats, tape) as (exchange, bus):
        async with running_feed(bus, exchange.url + NEW_PATH, **PATIENT) as running:
            await running.reaches(S.LIVE)
            before = await published(bus)
            exchange.set_fault("outage", seconds=600)
            await running.reaches(S.RECONNECTING)
            at_loss = await published(bus)
            await asyncio.sleep(0.8)
            in_outage = await published(bus)
            exchange.clear_faults()
            await running.reaches(S.LIVE)
        found = await published(bus)

    assert in_outage.ticks == at_loss.ticks
    assert in_outage.candles == at_loss.candles
    told = [change.state for change in found.states[len(before.states) : -1]]
    assert told == [S.RECONNECTING, S.BACKFILLING, S.LIVE]
    assert_whole(found, tape)


async def test_x3_a_consumer_that_stalls_holds_up_nobody_and_then_misses_nothing(nats) -> None:
    tape = PlainTape()
    async with (
        market(nats, tape) as (exchange, bus),
        connect(nats, name="positions") as slow,
        running_feed(bus, exchange.url + NEW_PATH, **PATIENT) as running,
        slow.replay(catalogue.TICK) as stored,
        slow.listen(catalogue.QUOTE) as quotes,
    ):
        await running.reaches(S.LIVE)
        read = [(await anext(stored))[1].id]
        await anext(quotes)
        feed, depths = running.feed._feeds["XAUUSD"], []
        await running.outlet.drained()
        began_ms = feed.held.told_ms
        while feed.held.told_ms < began_ms + 240_000:  # it takes nothing for 240 ticks
            await asyncio.sleep(1 / 30)
            depths.append(running.outlet.depth)
        heard = (feed.held.told_ms - began_ms) / 1000
        await running.outlet.drained()
        assert running.feed.check().is_ready
        told = [tick.id for tick in (await published(bus)).ticks]
        assert len(told) > 240
        while len(read) < len(told):
            read.append((await anext(stored))[1].id)

    assert read == told
    assert max(depths) <= 1.1 * heard + 10


async def test_x6_open_times_increase_strictly_through_reconnects_restarts_and_doubled_ticks(nats) -> None:
    tape = PlainTape()
    async with market(nats, tape) as (exchange, bus):
        for fault in ("close", "outage", "silence"):
            async with running_feed(bus, exchange.url + NEW_PATH, **PATIENT) as running:
                await running.reaches(S.LIVE)
                exchange.set_fault("duplicate", count=20)
                exchange.set_fault(fault, seconds=None if fault == "close" else 0.5)
                await asyncio.sleep(0.7)
                await running.reaches(S.LIVE)
                await asyncio.sleep(0.5)
        found = await published(bus)

    for interval in Interval:
        opens = [candle.open_time_s for candle in found.candles[interval]]
        assert all(earlier < later for earlier, later in itertools.pairwise(opens))
    assert found.gaps == []
    assert_whole(found, tape)


async def test_forming_candles_and_prices_are_shown_at_their_pace(nats) -> None:
    tape = PlainTape()
    seen = []
    async with (
        market(nats, tape) as (exchange, bus),
        connect(nats, name="charts") as looker,
        looker.listen(catalogue.FORMING) as drafts,
        running_feed(bus, exchange.url + NEW_PATH, **PATIENT) as running,
    ):
        await running.reaches(S.LIVE)
        async with asyncio.timeout(60):
            while sum(draft.interval is Interval.M1 for draft in seen) < 5 or len({d.interval for d in seen}) < 4:
                seen.append(await anext(drafts))

    of_minutes = [draft for draft in seen if draft.interval is Interval.M1]
    left_s = [draft.at.timestamp() for draft in of_minutes]  # when the feed made them, however late they were read
    assert len(of_minutes) <= 4 * (left_s[-1] - left_s[0]) + 2
    assert {draft.interval for draft in seen} == set(Interval)
    for draft in of_minutes:
        expected = [q.mid for q in tape.between(draft.open_time_s * 1000, draft.quote_ms)]
        assert (draft.open, draft.high, draft.low, draft.close, draft.volume) == (
            expected[0], max(expected), min(expected), expected[-1], len(expected),
        )  # fmt: skip


async def test_a_feed_that_starts_again_says_first_that_it_is_not_live(nats) -> None:
    tape = PlainTape()
    async with market(nats, tape) as (exchange, bus):
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(running_feed(bus, exchange.url + NEW_PATH, **PATIENT))
            await running.reaches(S.LIVE)
            states = len((await published(bus)).states)
        async with running_feed(bus, exchange.url + NEW_PATH, **PATIENT) as again:
            await until(lambda: again.feed._is_resumed)
            await again.reaches(S.LIVE)
        told = [change.state for change in (await published(bus)).states[states + 1 :]]

    assert told[:3] == [S.RECONNECTING, S.BACKFILLING, S.LIVE]
