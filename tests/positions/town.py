"""The room on a real broker and a real database, with the real sender behind it and a Telegram in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self, TypeVar

from chassis.clock import SystemClock
from chassis.database import Pool, open_pool
from chassis.nats_bus import NatsBus, connect
from contracts import asks, catalogue, codec
from contracts.channels import Ask, Topic
from contracts.messages import Message, SignalRaised, Tick
from services.positions.settings import PositionsSettings
from services.positions.wiring import PositionsRoom
from tests.positions.builders import a_feed, a_tick
from tests.positions.house import DEADLINE_S, SILENCE_S, A, Q, until, until_row
from tests.telegram.gateway import Gateway

M = TypeVar("M", bound=Message)


class Town:
    """One database and one broker; rooms and senders come and go."""

    def __init__(self, url: str, pool: Pool, gateway: Gateway, buses: tuple[NatsBus, NatsBus]) -> None:
        self.url = url
        self.pool = pool
        self.gateway = gateway
        self.room_bus, self.bus = buses
        self.current: PositionsRoom | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, nats_url: str) -> AsyncIterator[Self]:
        async with AsyncExitStack() as opened:
            enter = opened.enter_async_context
            pool = await enter(open_pool(url, name="test", setting="X", schema="positions", max_size=12))
            gateway = await enter(Gateway.open(url))
            gateway.bus = await enter(connect(nats_url, name="telegram"))
            buses = await enter(connect(nats_url, name="positions")), await enter(connect(nats_url, name="market"))
            yield cls(url, pool, gateway, buses)

    def build(self, **changes: Any) -> PositionsRoom:
        """Make a room that does not run: no relay publishes what it says."""
        usual = {"database_url": self.url, "access": "open", "plan": "plain", "feed_silence_s": SILENCE_S}
        settings = PositionsSettings(**(usual | changes))
        room = self.current = PositionsRoom(self.room_bus, self.pool, SystemClock(), settings)
        room.market.learn_feed(a_feed())
        return room

    @asynccontextmanager
    async def room(self, **changes: Any) -> AsyncIterator[PositionsRoom]:
        """Run a room until the block ends; then it is cancelled as by a kill. Waits until it follows the ticks."""
        room = self.build(**changes)
        task = asyncio.ensure_future(room.run())
        try:
            await until(lambda: task.done() or room.following[0].follower, "following")
            yield room
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def ask(self, question: Ask[Q, A], request: Q) -> A:
        """Ask the room, and wait as long as a test may take."""
        return await self.bus.ask(question, request, deadline_s=DEADLINE_S)

    # --- what happens -------------------------------------------------------------------------------------------------

    async def subscribe(self, *people: int) -> None:
        await self.bus.publish(catalogue.FEED, a_feed(), "XAUUSD")
        for one in people:
            await self.ask(catalogue.REGISTER, asks.RegisterSubscriber(subscriber_id=one, chat_id=one, name="n"))
            await self.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=one, auto=True))

    async def tick(self, *ticks: Tick) -> None:
        for tick in ticks:
            await self.bus.publish(catalogue.TICK, tick, "XAUUSD")

    async def raise_signal(self, signal: SignalRaised) -> None:
        """Raise a signal and wait until the room has handled it."""
        await self.bus.publish(catalogue.SIGNAL, signal, "XAUUSD", "trend_pullback")
        query = "select count(*) = 1 from inbox where consumer = 'positions-signals' and message_id = %s"
        await self.until_true(query, signal.id)

    async def opened(self, signal: SignalRaised, *people: int) -> None:
        """Bring people to an open position: subscribed, signalled, delivered by the sender, followed."""
        await self.subscribe(*people)
        await self.tick(a_tick(0, 3999.9))
        await self.raise_signal(signal)
        await self.until_true("select count(*) = %s from position where state = 'open'", len(people))
        current = self.current
        assert current is not None
        follower = current.following[0].follower
        assert follower is not None
        await until(lambda: follower.open_count == len(people), "following them")

    # --- what came of it ----------------------------------------------------------------------------------------------

    async def heard(self, topic: Topic[M], count: int) -> list[M]:
        """Read all that was ever published on a topic, once there is so much."""
        found: list[M] = []
        async with asyncio.timeout(DEADLINE_S), self.bus.replay(topic) as messages:
            async for _, message in messages:
                found.append(message)
                if len(found) == count:
                    break
        return found

    async def waiting(self, stream: str, sequence: int, kind: type[M]) -> M:
        """Read a message of a work queue that nobody has taken yet, once it is there."""
        async with asyncio.timeout(DEADLINE_S):
            while (stored := await self.bus.read_stored(stream, sequence)) is None:
                await asyncio.sleep(0.02)  # another part of the machine; nothing rings here
        return codec.decode(stored.body, kind)

    async def counted(self, topic: Topic[M]) -> int:
        """Count what a stream keeps of a topic when nothing waits to be published."""
        await self.until_true("select count(*) = 0 from outbox")
        return len(await self.bus.kept(topic, count=10_000))

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async def until_true(self, query: str, *values: Any) -> None:
        async def is_true() -> bool:
            return bool((await self.rows(query, *values))[0][0])

        await until_row(is_true, query)

    async def history(self, person: int) -> asks.History:
        return await self.ask(catalogue.HISTORY, asks.GetHistory(subscriber_id=person))

    async def status(self, person: int) -> asks.Status:
        return await self.ask(catalogue.STATUS, asks.GetStatus(subscriber_id=person, symbol="XAUUSD"))

    def shown(self, person: int) -> list[Any]:
        """List the messages that a person sees."""
        return list(self.gateway.chat.of(person))
