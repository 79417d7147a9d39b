"""What is watched from the side: feeds, quotes, and whether the database answers."""

import asyncio
from collections.abc import Sequence

import structlog

from chassis import metrics
from contracts import catalogue
from services.positions.handlers.ground import Ground
from services.positions.handlers.patience import patient
from services.positions.ports import Counts

PING_S = 2.0
SILENCE_S = 8.0
"""A database that did not answer for so long counts as away: four pings."""

logger = structlog.get_logger()


class Watch:
    """Keeps the market and the counts up to date."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._answered_s: float | None = None
        self._up_since_s: float | None = None
        self.counts = Counts(0, 0)

    @property
    def is_database_up(self) -> bool:
        """Tell whether the database answered lately."""
        return self._answered_s is not None and self._ground.clock.monotonic() - self._answered_s < SILENCE_S

    def database_up_s(self) -> float:
        """Tell for how long the database has answered without a break."""
        if self._up_since_s is None or not self.is_database_up:
            return 0.0
        return self._ground.clock.monotonic() - self._up_since_s

    async def prime(self, symbols: Sequence[str]) -> None:
        """Learn the state of the feeds before the first signal is looked at."""
        for symbol in symbols:
            for change in await self._ground.bus.latest(catalogue.FEED, symbol):
                self._ground.market.learn_feed(change)

    async def hear_feeds(self) -> None:
        """Learn every change of a feed, for ever."""
        while True:
            await patient(lambda: logger.warning("feed.unheard"))(self._hear_feeds)

    async def hear_quotes(self) -> None:
        """Learn the latest prices, for ever."""
        while True:
            await patient(lambda: logger.warning("quote.unheard"))(self._hear_quotes)

    async def ping(self) -> None:
        """Ask the database for its counts every two seconds, for ever. One that is frozen leaves this waiting."""
        while True:
            await patient(lambda: logger.warning("database.unreachable"))(self._count)
            await asyncio.sleep(PING_S)

    async def _hear_feeds(self) -> None:
        async with self._ground.bus.follow(catalogue.FEED) as changes:
            async for change in changes:
                self._ground.market.learn_feed(change)

    async def _hear_quotes(self) -> None:
        async with self._ground.bus.listen(catalogue.QUOTE) as quotes:
            async for quote in quotes:
                self._ground.market.learn_price(quote)

    async def _count(self) -> None:
        async with self._ground.store.work() as work:
            self.counts = await work.answers.counts()
        if not self.is_database_up:
            self._up_since_s = self._ground.clock.monotonic()
        self._answered_s = self._ground.clock.monotonic()
        metrics.SUBSCRIBERS.set(self.counts.subscribers)
