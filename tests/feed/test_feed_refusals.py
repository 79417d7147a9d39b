"""What the feed does when a venue refuses, lies or changes, seen through the port and a bus in memory."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from chassis.clock import ManualClock, MarketClock, SystemClock
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.messages import FeedState
from services.feed.domain.backfill import Reach
from services.feed.domain.instruments import KNOWN
from services.feed.domain.quotes import Bar, Quote
from services.feed.domain.reconnect import Backoff
from services.feed.handlers.connection import Means
from services.feed.handlers.feed import Feed
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.symbol_feed import Patience, SymbolFeed
from services.feed.handlers.teller import Teller
from services.feed.ports import Heard, MarketClosedError, VenueLostError, VenueRefusedError, WrongVenueError
from tests.feed.builders import NOON_MS, until


class FakeVenue:
    """One quote a second from noon on the wall; `refuse` says which calls fail, and how."""

    name = "fake"

    def __init__(self) -> None:
        self.refuse: dict[str, Exception] = {}
        self.connections = 0
        self.now_ms = NOON_MS + 100_000
        self.lost = asyncio.Event()
        self.subscribed = asyncio.Event()

    @asynccontextmanager
    async def connect(self):
        self.connections += 1
        self.lost.clear()
        self.subscribed.clear()
        yield self

    def _may(self, call: str) -> None:
        if call in self.refuse:
            raise self.refuse[call]

    async def quotes(self):
        await self.subscribed.wait()
        yield Heard("XAUUSD", Quote(self.now_ms, 4000.0, 4000.3))
        await self.lost.wait()
        raise VenueLostError("told to lose it")

    async def check(self) -> None:
        self._may("check")

    async def market_ms(self) -> int:
        return self.now_ms

    async def ping(self) -> float:
        return 0.01

    async def hours(self, day):
        self._may("hours")
        return {}

    async def history_bars(self, symbol, *, from_s, count):
        self._may("history_bars")
        return [Bar(NOON_MS // 1000 - 60, 4000, 4000, 4000, 4000)]

    async def history_quotes(self, symbol, *, from_ms):
        self._may("history_quotes")
        return [Quote(NOON_MS + n * 1000, 4000.15, 4000.15, True) for n in range(100) if NOON_MS + n * 1000 >= from_ms]

    async def subscribe(self, symbol) -> None:
        self._may("subscribe")
        self.subscribed.set()


class Desk:
    def __init__(self) -> None:
        clock = SystemClock()
        market = MarketClock(ManualClock())  # it stands where the venue says: a pause of the machine is no hole
        self.bus = MemoryBus(clock)
        self.outlet = Outlet(self.bus)
        self.venue = FakeVenue()
        teller = Teller("XAUUSD", "fake", self.outlet, clock, market)
        self.symbol = SymbolFeed(KNOWN["XAUUSD"], teller, clock, market, Patience())
        means = Means(self.venue, self.outlet, market, Reach())
        self.feed = Feed(means, {"XAUUSD": self.symbol}, bus=self.bus, clock=clock, backoff=Backoff(0.01, 0.02))

    @asynccontextmanager
    async def run(self):
        speaking = asyncio.ensure_future(self.outlet.run())
        living = asyncio.ensure_future(self.feed.run())
        try:
            yield living
        finally:
            for task in (speaking, living):
                task.cancel()
            await asyncio.wait({speaking, living})

    async def reaches(self, state: FeedState) -> None:
        await until(lambda: self.symbol.state is state)
        await self.outlet.drained()


async def test_history_that_is_refused_again_and_again_becomes_a_gap_and_the_feed_goes_live() -> None:
    desk = Desk()
    async with desk.run():
        await desk.reaches(FeedState.LIVE)
        desk.venue.refuse["history_quotes"] = VenueRefusedError("InternalError", "no")
        before = desk.venue.connections
        desk.venue.now_ms += 45_000
        desk.venue.lost.set()
        await until(lambda: desk.bus.said(catalogue.GAP))
        await desk.reaches(FeedState.LIVE)

    (gap,) = desk.bus.said(catalogue.GAP)
    assert desk.venue.connections - before == 3
    assert (gap.from_ms, gap.reason) == (NOON_MS + 100_000, "InternalError")
    assert gap.to_ms == NOON_MS + 145_000
    assert desk.bus.said(catalogue.TICK)[-1].epoch_ms == NOON_MS + 145_000


async def test_ticks_that_are_refused_at_the_first_start_do_not_keep_the_candles_back() -> None:
    desk = Desk()
    desk.venue.refuse["history_quotes"] = VenueRefusedError("InternalError", "no")
    async with desk.run():
        await desk.reaches(FeedState.LIVE)

    assert desk.venue.connections == 3
    assert [candle.open_time_s for candle in desk.bus.said(catalogue.CANDLE)] == [NOON_MS // 1000 - 60]


async def test_refused_hours_leave_the_table_of_the_instrument() -> None:
    desk = Desk()
    desk.venue.refuse["hours"] = VenueRefusedError("InternalError", "no")
    async with desk.run():
        await desk.reaches(FeedState.LIVE)

    assert desk.symbol.calendar.days == {}


async def test_a_market_that_refuses_to_be_subscribed_is_closed_and_its_history_is_told() -> None:
    desk = Desk()
    desk.venue.refuse["subscribe"] = MarketClosedError("MarketIsClosed", "closed")
    async with desk.run():
        await desk.reaches(FeedState.CLOSED)
        is_ready = desk.feed.check().is_ready

    assert is_ready
    assert desk.venue.connections == 1
    assert len(desk.bus.said(catalogue.CANDLE)) == 2


async def test_a_subscription_refused_for_another_reason_makes_a_new_connection() -> None:
    desk = Desk()
    desk.venue.refuse["subscribe"] = VenueRefusedError("StreamingNotAllowed", "no")
    async with desk.run():
        await until(lambda: desk.venue.connections >= 3)
        check = desk.feed.check()

    assert not check.is_ready
    assert "XAUUSD is" in check.reason


async def test_the_wrong_venue_ends_the_start_but_not_a_feed_that_was_right_once() -> None:
    wrong = WrongVenueError("symbols", "no such symbol")
    desk = Desk()
    desk.venue.refuse["check"] = wrong
    async with desk.run() as living:
        await asyncio.wait({living}, timeout=60)
        with pytest.raises(WrongVenueError, match="SINYAL_FEED_SYMBOLS: no such symbol"):
            living.result()

    desk = Desk()
    async with desk.run() as living:
        await desk.reaches(FeedState.LIVE)
        desk.venue.refuse["check"] = wrong
        desk.venue.lost.set()
        await until(lambda: desk.venue.connections >= 3)
        assert desk.symbol.state is FeedState.RECONNECTING
        desk.venue.refuse.clear()
        await desk.reaches(FeedState.LIVE)
        assert not living.done()


async def test_a_bug_is_not_taken_for_a_lost_connection() -> None:
    desk = Desk()
    desk.venue.refuse["check"] = ZeroDivisionError("a bug")
    async with desk.run() as living:
        await asyncio.wait({living}, timeout=60)
        with pytest.raises(ExceptionGroup) as raised:
            living.result()

    assert raised.group_contains(ZeroDivisionError)
