"""A feed and the exchange simulator in virtual time: a weekend passes while one looks at it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.messages import FeedState, Interval
from sandbox.exchange import server
from sandbox.exchange.deriv_limits import Budget
from sandbox.exchange.faults import Faults
from sandbox.exchange.quotes import Tape
from sandbox.exchange.server import ExchangeServer
from tests.feed.builders import ms
from tests.feed.running import NEW_PATH, Published, Running, running_feed
from tests.feed.virtual_time import VirtualClock

WAKE_S = 0.1
"""The simulator need not look fifty times a second where nobody waits for it."""


@dataclass
class Scene:
    """What takes part, and what was said so far."""

    exchange: ExchangeServer
    running: Running
    bus: MemoryBus

    async def until(self, moment: str) -> None:
        """Let the market reach an ISO moment, UTC."""
        ahead_ms = ms(moment) - self.exchange.market_now_ms()
        await asyncio.sleep(max(0.0, ahead_ms / 1000 / self.exchange.market.speed))

    async def reaches(self, state: FeedState, *, deadline_s: float = 600.0) -> None:
        """Wait until the feed is in a state (seconds are virtual)."""
        await self.running.reaches(state, deadline_s=deadline_s)

    @property
    def states(self) -> list[FeedState]:
        """The states that were told, in order."""
        return [change.state for change in self.bus.said(catalogue.FEED)]

    def found(self) -> Published:
        """All that was told."""
        candles = self.bus.said(catalogue.CANDLE)
        return Published(
            self.bus.said(catalogue.TICK),
            {interval: [candle for candle in candles if candle.interval is interval] for interval in Interval},
            self.bus.said(catalogue.FEED),
            list(self.bus.said(catalogue.GAP)),
        )


@asynccontextmanager
async def scene(tape: Tape, *, speed: float, start: str = "first", **settings: object) -> AsyncIterator[Scene]:
    """Run both until the block ends."""
    now = asyncio.get_running_loop().time
    exchange = ExchangeServer(tape, speed=speed, start=start, wall=now)
    exchange.faults = Faults(now)
    bus = MemoryBus(VirtualClock())
    told = {"reconnect_first_s": 1.0, "reconnect_most_s": 60.0, "market_speed": speed, **settings}
    with patch.object(server, "WAKE_S", WAKE_S), patch.object(Budget.__init__, "__defaults__", (now,)):
        async with exchange, running_feed(bus, exchange.url + NEW_PATH, clock=VirtualClock(), **told) as running:
            running.feed._chance = Random(7).random  # the same waits in every run
            yield Scene(exchange, running, bus)
