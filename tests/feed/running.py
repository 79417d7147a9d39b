"""A whole feed in the test's own loop: the real wiring around a bus and a venue of the test's choice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chassis.bus import Bus
from chassis.clock import Clock, SystemClock
from chassis.health import Health
from chassis.lifecycle import Stage
from contracts import catalogue
from contracts.messages import CandleClosed, FeedState, FeedStateChanged, Interval, Tick
from services.feed import wiring
from services.feed.handlers.feed import Feed
from services.feed.handlers.outlet import Outlet
from services.feed.settings import FeedSettings
from tests.feed.builders import until

NEW_PATH = "/trading/v1/options/ws/public"
LEGACY_PATH = "/websockets/v3"
FAST = {"reconnect_first_s": 0.2, "reconnect_most_s": 0.5}


@dataclass
class Running:
    """A feed that runs."""

    feed: Feed
    outlet: Outlet
    bus: Bus

    async def reaches(self, state: FeedState, *, deadline_s: float = 20.0) -> None:
        """Wait until all symbols are in a state and all of it is published."""
        feeds = self.feed._feeds.values()
        await until(lambda: all(feed.state is state for feed in feeds), deadline_s=deadline_s)
        await self.outlet.drained()


@asynccontextmanager
async def running_feed(bus: Bus, url: str, *, clock: Clock | None = None, **settings: object) -> AsyncIterator[Running]:
    """Run a feed against a venue; it is stopped as the service stops it."""
    told = FeedSettings(venue_url=url, **{**FAST, **settings})  # type: ignore[arg-type]
    stage = Stage(health=Health("feed", host="127.0.0.1", port=0, setting=""), clock=clock or SystemClock())
    outlet = Outlet(bus, told.backlog)
    feed = wiring.build(told, wiring.known_instruments(told), bus=bus, outlet=outlet, stage=stage)
    speaking = asyncio.ensure_future(outlet.run())
    living = asyncio.ensure_future(feed.run())
    try:
        yield Running(feed, outlet, bus)
        assert not living.done(), living.exception()
    finally:
        living.cancel()
        await asyncio.wait({living})
        feed.stop()
        async with asyncio.timeout(60):
            await outlet.drained()
        speaking.cancel()
        await asyncio.wait({speaking})


@dataclass
class Published:
    """All that stands in the streams of one symbol."""

    ticks: list[Tick]
    candles: dict[Interval, list[CandleClosed]]
    states: list[FeedStateChanged]
    gaps: list[object]


async def published(bus: Bus) -> Published:
    """Read the streams whole."""
    return Published(
        await bus.latest(catalogue.TICK, "XAUUSD", count=200_000),
        {i: await bus.latest(catalogue.CANDLE, "XAUUSD", i, count=5000) for i in Interval},
        await bus.latest(catalogue.FEED, "XAUUSD", count=1000),
        list(await bus.latest(catalogue.GAP, "XAUUSD", count=1000)),
    )
