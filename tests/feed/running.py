"""A whole feed in the test's own loop: the real wiring around a bus and a venue of the test's choice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from chassis.bus import Bus
from chassis.clock import Clock, SystemClock
from chassis.errors import TransientError
from chassis.health import Health
from chassis.lifecycle import Stage
from contracts import catalogue
from contracts.messages import CandleClosed, FeedState, FeedStateChanged, Interval, Tick
from services.feed import wiring
from services.feed.handlers.feed import Feed
from services.feed.handlers.outlet import Outlet
from services.feed.settings import FeedSettings
from tests.feed.builders import until

R = TypeVar("R")

NEW_PATH = "/trading/v1/options/ws/public"
LEGACY_PATH = "/websockets/v3"
FAST = {"reconnect_first_s": 0.2, "reconnect_most_s": 0.5}


@dataclass
class Running:
    """A feed that runs."""

    feed: Feed
    outlet: Outlet
    bus: Bus

    async def reaches(self, state: FeedState, *, deadline_s: float = 60.0) -> None:
        """Wait until all symbols are in a state and all of it is published."""
        feeds = self.feed._feeds.values()
        await until(lambda: all(feed.state is state for feed in feeds), deadline_s=deadline_s)
        await self.outlet.drained()

    async def goes_on(self, minutes: int, symbol: str = "XAUUSD") -> None:
        """Wait until the broker holds candles of so many more minutes of the market."""
        async with asyncio.timeout(60):
            goal_s = await self._newest_s(symbol) + 60 * minutes
            while await self._newest_s(symbol) < goal_s:
                await asyncio.sleep(0.02)  # a stream has no event for one who only looks

    async def _newest_s(self, symbol: str) -> int:
        (newest,) = await patient(lambda: self.bus.latest(catalogue.CANDLE, symbol, Interval.M1))
        return newest.open_time_s


async def patient(read: Callable[[], Awaitable[R]]) -> R:
    """Read from the broker; one that is slow to answer is asked again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await read()
            except TransientError:
                await asyncio.sleep(0.1)


def patient_at(speed: float) -> dict[str, float]:
    """Settings of a feed that waits 20 s of the wall for a quote, and 40 s before it connects anew.

    For tests that are of something else than silence: a busy machine may pause for the two seconds that are the least.
    """
    return {"stale_after_s": 20 * speed, "reconnect_after_s": 40 * speed}


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
    return await patient(lambda: _published(bus))


async def _published(bus: Bus) -> Published:
    return Published(
        await bus.latest(catalogue.TICK, "XAUUSD", count=200_000),
        {i: await bus.latest(catalogue.CANDLE, "XAUUSD", i, count=5000) for i in Interval},
        await bus.latest(catalogue.FEED, "XAUUSD", count=1000),
        list(await bus.latest(catalogue.GAP, "XAUUSD", count=1000)),
    )
