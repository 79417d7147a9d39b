"""A whole sender for tests: the real database, the bus and Telegram in memory, a fast clock face."""

import asyncio
import contextlib
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from chassis.breaker import Breaker
from chassis.clock import SystemClock
from chassis.database import open_pool
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.messages import ChartDrawn
from services.telegram.adapters.postgres_deliveries import PostgresDeliveries
from services.telegram.adapters.postgres_forgotten import PostgresForgotten
from services.telegram.domain.pictures import PictureRoom
from services.telegram.domain.scheduler import Limits
from services.telegram.handlers.announcer import Announcer
from services.telegram.handlers.discreet import DiscreetCourier
from services.telegram.handlers.gallery import Gallery
from services.telegram.handlers.letters import Policy, Writer
from services.telegram.handlers.sender import Sender
from services.telegram.handlers.turnstile import Turnstile
from tests.telegram.builders import PNG, WORDS
from tests.telegram.fake_chat import FakeChat

FAST = Limits(per_second=2000.0, private_gap_s=0.002, group_gap_s=0.002, in_flight=64)


async def until(holds, within_s=60.0):
    """Wait for a condition; fails when it does not hold in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.005)


def a_gate():
    """A gate of a database that is there: nobody runs its breaker."""
    return Breaker("postgresql://127.0.0.1:1/nowhere", name="test", clock=SystemClock())


class Gateway:
    """One bot's sender and all it stands on."""

    def __init__(self, pool, *, chat=None, limits=FAST, picture_wait_s=60.0, most_attempts=200):
        self.clock = SystemClock()
        self.bus = MemoryBus(self.clock)
        self.chat = chat or FakeChat(people=set(range(1, 1001)))
        self.deliveries = PostgresDeliveries(pool)
        self.forgotten = PostgresForgotten(pool, "a bot's token")
        self.pool = pool
        self.limits = limits
        self.picture_wait_s = picture_wait_s
        self.most_attempts = most_attempts
        self.policy = Policy()
        self.sender = None

    @classmethod
    @asynccontextmanager
    async def open(cls, url):
        async with open_pool(url, name="test", setting="URL", max_size=6, schema="telegram") as pool:
            yield cls(pool)

    def build(self):
        """Make a fresh sender, as a process that starts would."""
        room = PictureRoom()
        writer = Writer(self.bus, self.chat, self.deliveries, WORDS, room, self.policy)
        turnstile = Turnstile(self.limits, self.clock)
        courier = DiscreetCourier(
            writer, self.deliveries, room, self.most_attempts, turnstile, forgotten=self.forgotten
        )
        gallery = Gallery(self.bus, self.deliveries, room, self.clock, self.picture_wait_s)
        return Sender(self.bus, courier, Announcer(self.bus, self.clock), gallery, self.clock, self.limits)

    @asynccontextmanager
    async def running(self):
        """Run a sender; leaving stops it in peace."""
        self.sender = self.build()
        stop = asyncio.Event()
        task = asyncio.ensure_future(self.sender.run(stop))
        try:
            yield self.sender
        finally:
            stop.set()
            await task

    @asynccontextmanager
    async def doomed(self):
        """Run a sender; leaving cuts it off where it stands."""
        self.sender = self.build()
        task = asyncio.ensure_future(self.sender.run(asyncio.Event()))
        try:
            yield self.sender
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def say(self, send):
        await self.bus.publish(catalogue.SEND, send, send.kind.value, send.chat_id)

    async def draw(self, key, *, is_told=True, body=PNG):
        await self.bus.put(catalogue.CHART_PICTURES, key, body)
        if is_told:
            drawn = ChartDrawn(id=key, at=datetime.now(UTC), key=key, size_bytes=len(PNG))
            await self.bus.tell(catalogue.DRAWN, drawn, key)

    def settled(self, send_id=None):
        """List what was told of sends, or of one."""
        told = self.bus.said(catalogue.DELIVERY)
        return [one for one in told if send_id in (None, one.send_id)]

    def dead(self):
        return self.bus.said(catalogue.DEAD)

    async def until_settled(self, send_id, count=1):
        await until(lambda: len(self.settled(send_id)) >= count)
        return self.settled(send_id)[-1]

    async def until_idle(self):
        """Wait until the broker holds no send any more."""
        await until(lambda: self.bus.waiting(catalogue.TELEGRAM_SENDS) == 0)
