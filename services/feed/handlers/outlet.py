"""The way out: everything the feed says, published in the order it was said, never waited for by who says it.

Ticks, candles and states stand in one bounded queue. When the broker is away for so long that it overflows, all of it
is given up at once and `is_lost` says so: the feed then begins again from what the broker holds, so that no hole is
left and nothing is told out of order. Quotes for people who look are another matter: only the newest is ever told.

A broker that was killed may have lost the last messages it acknowledged. What was said last is remembered, and what of
it is missing when the broker is back is said again before anything new. What was lost just before a message that the
bus itself repeated as soon as it was back would come out of order: that is told as lost (see `losses`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.errors import TransientError
from contracts import catalogue
from contracts.channels import Topic
from contracts.messages import CandleForming, Message, Quote
from services.feed.handlers.losses import Said, amends, find_loss, said

P = TypeVar("P", bound=Message)

BATCH = 256
REMEMBERED = 5_000
LONGEST_PAUSE_S = 5.0
LOOK_EVERY_S = 0.1
QUOTES_EVERY_S = 0.1
"""People do not read faster than ten prices a second."""

DRAFTS_EVERY_S = 0.25
"""Nor look at more than four drawings of a candle."""

logger = structlog.get_logger()


class Outlet:
    """The queue in front of the broker. `capacity` is in messages."""

    def __init__(self, bus: Bus, capacity: int = 50_000) -> None:
        self._bus = bus
        self._capacity = capacity
        self._queue: deque[Said] = deque()
        self._remembered: deque[Said] = deque(maxlen=REMEMBERED)
        self._is_filled = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._was_away = False
        self._quotes: dict[str, Quote] = {}
        self._is_quoted = asyncio.Event()
        self._drafts: dict[str, Callable[[], Iterable[CandleForming]]] = {}
        self._is_drafted = asyncio.Event()
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
            self.is_lost = self._was_away = True
        else:
            self._queue.append(said(topic, message, *tokens))
            self._is_empty.clear()
        self._is_filled.set()

    async def has_room(self) -> None:
        """Wait while the queue is half full: for who has much to say at once."""
        if len(self._queue) >= self._capacity // 2:
            await self._is_empty.wait()

    def show(self, quote: Quote) -> None:
        """Tell the latest price soon, unless a newer one comes first."""
        if quote.symbol in self._quotes:
            metrics.SHOWN_OVERWRITTEN.labels(catalogue.QUOTE.name).inc()
        self._quotes[quote.symbol] = quote
        self._is_quoted.set()

    def draft(self, symbol: str, draw: Callable[[], Iterable[CandleForming]]) -> None:
        """Show the forming candles of a symbol soon; they are drawn when it is their turn, as they stand then."""
        if symbol in self._drafts:
            metrics.SHOWN_OVERWRITTEN.labels(catalogue.FORMING.name).inc()
        self._drafts[symbol] = draw
        self._is_drafted.set()

    async def run(self) -> None:
        """Publish for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish())
            tasks.create_task(self._look())
            tasks.create_task(self._tell())
            tasks.create_task(self._draw())

    async def drained(self) -> None:
        """Wait until everything that was put is published."""
        await self._is_empty.wait()

    async def recover(self) -> None:
        """After `is_lost`: wait until the broker is back and has what it acknowledged, then take messages again."""
        await self._is_empty.wait()
        self.is_lost = False

    async def _publish(self) -> None:
        pause_s = 0.0
        while True:
            await self._is_filled.wait()
            try:
                await self._publish_some()
            except TransientError as e:
                if not pause_s:
                    logger.warning("publishing.paused", error=str(e), count=len(self._queue))
                self._was_away = True
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2 or 0.1)
                await asyncio.sleep(pause_s)
                continue
            if pause_s:
                logger.info("publishing.resumed", count=len(self._queue))
                pause_s = 0.0

    async def _publish_some(self) -> None:
        if self._was_away:
            if not self._bus.is_connected:
                raise TransientError("the broker is away")
            missing = await self._missing()
            self._was_away = False
            self._queue.extendleft(reversed(missing))
        batch = list(islice(self._queue, BATCH))
        await self._bus.publish_batch([said.outgoing for said in batch])
        self._remembered.extend(batch)
        if self._queue and batch and self._queue[0] is batch[0]:  # else it was given up in the meantime
            for _ in batch:
                self._queue.popleft()
        if not self._queue:
            self._is_filled.clear()
            self._is_empty.set()

    async def _missing(self) -> list[Said]:
        """Find what the broker acknowledged and does not have: to say again, or to tell as lost."""
        subjects: dict[str, list[Said]] = {}
        for item in self._remembered:
            subjects.setdefault(item.outgoing.subject, []).append(item)
        missing, told = set[str](), list[Said]()
        for ours in subjects.values():
            stored = await self._bus.latest(ours[0].topic, *ours[0].tokens, count=len(ours))
            loss = find_loss(ours, (message.id for message in stored))
            missing.update(item.outgoing.id for item in loss.tail)
            told += amends(ours, loss.middle)
        again = [item for item in self._remembered if item.outgoing.id in missing]
        if again or told:
            reason = "the broker lost what it had acknowledged"
            logger.warning("backlog.restored", count=len(again), reason=reason)
        return [*told, *again]

    async def _look(self) -> None:
        """Notice that the broker was away, even when nothing was said meanwhile; the bus has no event for it."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            metrics.FEED_BACKLOG.set(len(self._queue))
            if not self._bus.is_connected:
                self._was_away = True
            elif self._was_away:
                self._is_filled.set()

    async def _tell(self) -> None:
        while True:
            await self._is_quoted.wait()
            self._is_quoted.clear()
            quotes, self._quotes = self._quotes, {}
            for symbol, quote in quotes.items():
                await self._bus.tell(catalogue.QUOTE, quote, symbol)
            await asyncio.sleep(QUOTES_EVERY_S)

    async def _draw(self) -> None:
        while True:
            await self._is_drafted.wait()
            self._is_drafted.clear()
            drafts, self._drafts = self._drafts, {}
            for draft in (draft for draw in drafts.values() for draft in draw()):
                await self._bus.tell(catalogue.FORMING, draft, draft.symbol, draft.interval)
            await asyncio.sleep(DRAFTS_EVERY_S)
