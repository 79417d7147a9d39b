"""One connection to the venue, from its first question to its end."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

import structlog

from chassis import metrics
from chassis.clock import MarketClock
from services.feed.domain.backfill import Reach
from services.feed.domain.sessions import day_of
from services.feed.domain.ticks import BadInput
from services.feed.handlers.audit import Audit
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.recovery import Recovery
from services.feed.handlers.symbol_feed import SymbolFeed
from services.feed.handlers.teller import count_bad
from services.feed.ports import (
    TellsMids,
    Unheard,
    Venue,
    VenueLostError,
    VenueRefusedError,
    VenueSession,
    WrongVenueError,
)

HEARTBEAT_S = 30.0
BEAT_S = 0.1
BACKWARDS_MS = 60_000
JUMP_MS = 5_000
JUMP_WALL_S = 2.0
"""A venue's clock that is off by more than the greater of these has jumped; a busy machine is not that late."""

logger = structlog.get_logger()


class BacklogLostError(VenueLostError):
    """The broker was away for too long: what was not published is asked for again."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every connection needs: where to connect, where to speak, whose time it is, how far back to ask."""

    venue: Venue
    outlet: Outlet
    market: MarketClock
    reach: Reach


class Connection:
    """Runs all symbols over one session. `run` ends only by an error.

    `is_greeted` says whether the venue turned out to be the right one; `on_greeted` is called when it did.
    """

    def __init__(
        self,
        session: VenueSession,
        feeds: dict[str, SymbolFeed],
        means: Means,
        on_greeted: Callable[[], None] = lambda: None,
    ) -> None:
        self.is_greeted = False
        self._on_greeted = on_greeted
        self._session = session
        self._feeds = feeds
        self._outlet = means.outlet
        self._market = means.market
        self._reach = means.reach
        self._venue = means.venue.name

    async def run(self) -> None:
        """Read, keep alive, watch the clock and follow each symbol.

        Raises an ExceptionGroup with VenueLostError, VenueRefusedError or WrongVenueError.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            await self._greet()
            tasks.create_task(self._keep_alive())
            tasks.create_task(self._watch())
            for feed in self._feeds.values():
                recovery = Recovery(feed, self._session, market=self._market, reach=self._reach, outlet=self._outlet)
                tasks.create_task(recovery.run())
                if isinstance(self._session, TellsMids):
                    tasks.create_task(Audit(feed, self._session, self._market).run())

    async def _greet(self) -> None:
        self._market.set(await self._session.market_ms())
        await self._session.check()
        self._refuse_other_market()
        await self._learn_hours()
        self.is_greeted = True
        self._on_greeted()
        metrics.VENUE_CONNECTS.labels(self._venue, "connected").inc()
        logger.info("venue.connected", venue=self._venue, market_ms=self._market.now_ms())

    def _refuse_other_market(self) -> None:
        """Prices that are stored already cannot lie in this market's future; open times must keep increasing."""
        limit_ms = self._market.now_ms() + int(BACKWARDS_MS * max(1.0, self._market.speed))
        for feed in self._feeds.values():
            known_ms = max(feed.held.folded_ms or 0, feed.held.told_ms or 0)
            if known_ms > limit_ms:
                moments = (
                    f"the newest stored price of {feed.symbol} is of {known_ms}, the venue says {limit_ms} at most"
                )
                raise WrongVenueError("venue_url", f"{moments}: another market was recorded on this broker")

    async def _read(self) -> None:
        async with aclosing(self._session.quotes()) as heard:
            async for item in heard:
                if isinstance(item, Unheard):
                    count_bad(item.reason, item.symbol)
                else:
                    self._feeds[item.symbol].hear(item.quote)

    async def _keep_alive(self) -> None:
        day = day_of(self._market.now_ms())
        while True:
            metrics.VENUE_ROUND_TRIP.labels(self._venue).observe(await self._session.ping())
            await self._learn_time()
            if day_of(self._market.now_ms()) != day:
                day = day_of(self._market.now_ms())
                await self._learn_hours()
            await asyncio.sleep(HEARTBEAT_S)

    async def _learn_time(self) -> None:
        """Correct the clock, unless it lies in the second that was told: it need not jump back to its beginning.

        A jump is believed when it is told twice and no fresh quote speaks against it: candles are closed by this clock.
        """
        expected_ms = self._market.now_ms()
        told_ms = await self._session.market_ms()
        metrics.VENUE_CLOCK_OFFSET.labels(self._venue).set((told_ms - expected_ms) / 1000)
        if self._is_jump(told_ms):
            told_ms = await self._session.market_ms()
            if self._is_jump(told_ms) and any(feed.is_hearing for feed in self._feeds.values()):
                count_bad(BadInput.CLOCK_JUMP)
                return
        if not told_ms <= self._market.now_ms() < told_ms + 1000:
            self._market.set(told_ms)

    def _is_jump(self, told_ms: int) -> bool:
        limit_ms = max(JUMP_MS, int(JUMP_WALL_S * 1000 * self._market.speed))
        return abs(told_ms - self._market.now_ms()) > limit_ms

    async def _learn_hours(self) -> None:
        """Ask for the hours of today and tomorrow; without an answer the table of the instrument stands."""
        today_ms = self._market.now_ms()
        for ahead in range(2):
            day_ms = today_ms + ahead * 86_400_000
            try:
                hours = await self._session.hours(day_of(today_ms) + timedelta(days=ahead))
            except VenueRefusedError as e:
                logger.warning("hours.refused", venue=self._venue, error=str(e))
                return
            for symbol, spans in hours.items():
                self._feeds[symbol].learn_hours(spans, day_ms)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if self._outlet.is_lost:
                raise BacklogLostError("the broker was away for too long")
            now_ms = self._market.now_ms()
            for feed in self._feeds.values():
                feed.beat(now_ms)
