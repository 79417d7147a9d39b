"""The way out: everything the feed says, published in the order it was said, never waited for by who says it.

Ticks, candles and states stand in one bounded queue. When the broker is away for so long that it overflows, all of it
is given up at once and `is_lost` says so: the feed then begins again from what the broker holds, so that no hole is
left and nothing is told out of order. Quotes for people who look are another matter: only the newest is ever told.
"""

import asyncio
from collections import deque
from itertools import islice
from typing import TypeVar

import structlog

from chassis.bus import Bus, Outgoing
from chassis.errors import TransientError
from contracts import catalogue, codec
from contracts.catalogue import Topic
from contracts.messages import Message, Quote

P = TypeVar("P", bound=Message)

BATCH = 256
LONGEST_PAUSE_S = 5.0
QUOTES_EVERY_S = 0.1
"""People do not read faster than ten prices a second."""

logger = structlog.get_logger()


class Outlet:
    """The queue in front of the broker. `capacity` is in messages."""

    def __init__(self, bus: Bus, capacity: int = 50_000) -> None:
        self._bus = bus
        self._capacity = capacity
        self._queue: deque[Outgoing] = deque()
        self._is_filled = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._quotes: dict[str, Quote] = {}
        self._is_quoted = asyncio.Event()
        self.is_lost = False

    @property
    def depth(self) -> int:
        """How many messages wait."""
        return len(self._queue)

    def put(self, topic: Topic[P], message: P, *tokens: object) -> None:
        """Publish in turn. Returns at once; while `is_lost`, nothing is taken."""
        if self.is_lost:
            return
        if len(self._queue) >= self._capacity:
            logger.error("backlog.lost", count=len(self._queue), reason="the broker is away for too long")
            self._queue.clear()
            self.is_lost = True
        else:
            self._queue.append(Outgoing(topic.subject(*tokens), codec.encode(message), message.id))
            self._is_empty.clear()
        self._is_filled.set()

    def show(self, quote: Quote) -> None:
        """Tell the latest price soon, unless a newer one comes first."""
        self._quotes[quote.symbol] = quote
        self._is_quoted.set()

    async def run(self) -> None:
        """Publish for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish())
            tasks.create_task(self._tell())

    async def drained(self) -> None:
        """Wait until everything that was put is published."""
        await self._is_empty.wait()

    async def recover(self) -> None:
        """After `is_lost`: wait for the broker, then take messages again."""
        while not self._bus.is_connected:  # noqa: ASYNC110  # the bus tells it, but has no event for it
            await asyncio.sleep(0.2)
        self.is_lost = False

    async def _publish(self) -> None:
        pause_s = 0.0
        while True:
            await self._is_filled.wait()
            batch = list(islice(self._queue, BATCH))
            try:
                await self._bus.publish_batch(batch)
            except TransientError as e:
                if not pause_s:
                    logger.warning("publishing.paused", error=str(e), count=len(self._queue))
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2 or 0.1)
                await asyncio.sleep(pause_s)
                continue
            if pause_s:
                logger.info("publishing.resumed", count=len(self._queue))
                pause_s = 0.0
            self._forget(batch)

    def _forget(self, batch: list[Outgoing]) -> None:
        """Take what was published off the queue, which may have been given up in the meantime."""
        if self._queue and batch and self._queue[0] is batch[0]:
            for _ in batch:
                self._queue.popleft()
        if not self._queue:
            self._is_filled.clear()
            self._is_empty.set()

    async def _tell(self) -> None:
        while True:
            await self._is_quoted.wait()
            self._is_quoted.clear()
            quotes, self._quotes = self._quotes, {}
            for symbol, quote in quotes.items():
                await self._bus.tell(catalogue.QUOTE, quote, symbol)
            await asyncio.sleep(QUOTES_EVERY_S)
