"""The room, run on a real PostgreSQL and a broker in memory, with people who subscribe, Telegram that delivers, and a
market that ticks.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

from chassis.bus import Stored
from chassis.clock import SystemClock
from chassis.database import Pool, open_pool
from chassis.memory_bus import MemoryBus
from chassis.outbox import Relay
from contracts import asks, catalogue
from contracts.channels import Ask
from contracts.messages import (
    DeliverySettled,
    DeliveryState,
    FeedState,
    PositionClosed,
    SendClass,
    SendMessage,
    SignalRaised,
    Tick,
)
from services.positions.settings import PositionsSettings
from services.positions.wiring import PositionsRoom
from tests.positions.builders import a_delivery, a_feed, a_signal, a_tick

DEADLINE_S = 60.0
SILENCE_S = 600.0
"""A feed that spoke once is live for a whole test, however long the machine takes for it."""

Q = TypeVar("Q")
A = TypeVar("A")


async def until(holds: Callable[[], Any], what: str = "it") -> None:
    """Wait for a condition of memory; fails after a minute."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():  # memory of another part; nothing rings when it changes
                await asyncio.sleep(0.01)
    except TimeoutError as e:
        raise AssertionError(f"{what} never happened") from e


async def until_row(holds: Callable[[], Awaitable[Any]], what: str = "it") -> None:
    """Wait for a condition of the database."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await holds():  # the same for rows
                await asyncio.sleep(0.02)
    except TimeoutError as e:
        raise AssertionError(f"{what} never happened") from e


async def publish_all(pool: Pool, bus: MemoryBus) -> None:
    """Publish the outbox until it is empty: rows wait while any transaction of the server is older than theirs."""
    relay = Relay(pool, bus, schema="positions")
    async with pool.connection() as connection:
        await connection.set_autocommit(True)
        try:
            while await (await connection.execute("select 1 from outbox limit 1")).fetchone():
                if await relay.publish_once(connection) == 0:
                    await asyncio.sleep(0.01)  # nothing rings when the other transaction ends
        finally:
            await connection.set_autocommit(False)


class PatientBus(MemoryBus):
    """A broker in memory on which who asks waits as long as a test may take, not as long as a person would."""

    async def ask(self, question: Ask[Q, A], request: Q, *, deadline_s: float | None = None) -> A:
        """Ask a room."""
        return await super().ask(question, request, deadline_s=DEADLINE_S if deadline_s is None else deadline_s)


class House:
    """One database and one broker; rooms come and go."""

    def __init__(self, url: str, pool: Pool, bus: MemoryBus) -> None:
        self.url = url
        self.pool = pool
        self.bus = bus
        self.clock = SystemClock()
        self.current: PositionsRoom | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        async with open_pool(url, name="test", setting="X", schema="positions", max_size=12) as pool:
            yield cls(url, pool, PatientBus(SystemClock()))

    def settings(self, **changes: Any) -> PositionsSettings:
        usual = {"database_url": self.url, "access": "open", "plan": "plain", "feed_silence_s": SILENCE_S}
        return PositionsSettings(**(usual | changes))

    @asynccontextmanager
    async def room(self, *, follows: bool = True, **changes: Any) -> AsyncIterator[PositionsRoom]:
        """Run a room until the block ends; then it is cancelled as by a kill. Waits until it follows the ticks."""
        room = self.current = PositionsRoom(self.bus, self.pool, self.clock, self.settings(**changes))
        ready = asyncio.Event()
        task = asyncio.ensure_future(room.run(ready))
        opened = asyncio.ensure_future(ready.wait())
        try:
            await asyncio.wait({task, opened}, return_when=asyncio.FIRST_COMPLETED)
            if follows:
                await until(lambda: task.done() or room.following[0].follower, "following")
            yield room
            if task.done():
                task.result()
        finally:
            for one in (task, opened):
                one.cancel()
            await asyncio.gather(task, opened, return_exceptions=True)

    # --- people -------------------------------------------------------------------------------------------------------

    async def subscribe(self, *people: int, auto: bool = True, language: str = "id") -> None:
        for one in people:
            await self.bus.ask(
                catalogue.REGISTER,
                asks.RegisterSubscriber(subscriber_id=one, chat_id=one, name=f"n{one}", language=language),
            )
            await self.bus.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=one, auto=auto))

    async def status(self, person: int) -> asks.Status:
        return await self.bus.ask(catalogue.STATUS, asks.GetStatus(subscriber_id=person, symbol="XAUUSD"))

    async def history(self, person: int, **page: int) -> asks.History:
        return await self.bus.ask(catalogue.HISTORY, asks.GetHistory(subscriber_id=person, **page))

    async def why(self, person: int, position_id: str | None = None) -> asks.Why:
        return await self.bus.ask(catalogue.WHY, asks.GetWhy(subscriber_id=person, position_id=position_id))

    async def ask_for_signal(self, person: int) -> asks.SignalRequested:
        request = asks.RequestSignal(subscriber_id=person, symbol="XAUUSD")
        return await self.bus.ask(catalogue.REQUEST_SIGNAL, request)

    # --- market -------------------------------------------------------------------------------------------------------

    async def feed(self, state: FeedState = FeedState.LIVE) -> None:
        await self.bus.publish(catalogue.FEED, a_feed(state), "XAUUSD")
        if self.current is not None:
            market = self.current.market
            await until(lambda: market.feed("XAUUSD") is state, f"feed {state}")

    async def raise_signal(self, signal: SignalRaised) -> None:
        """Raise a signal and wait until the room has handled it."""
        await self.bus.publish(catalogue.SIGNAL, signal, "XAUUSD", "trend_pullback")
        await self.handled(catalogue.POSITIONS_SIGNALS)

    async def tick(self, *ticks: Tick) -> None:
        for tick in ticks:
            await self.bus.publish(catalogue.TICK, tick, "XAUUSD")

    async def followed(self, count: int) -> None:
        await until(lambda: self._followed() == count, f"following {count}, not {self._followed()},")

    def _followed(self) -> int:
        assert self.current is not None
        follower = self.current.following[0].follower
        return -1 if follower is None else follower.open_count

    async def any_stored(self) -> Stored:
        """Lend a stored message, for handlers that are called by hand."""
        await self.tick(a_tick(0, 3999.9))
        stored = await self.bus.read_stored("TICKS", 1)
        assert stored is not None
        return stored

    # --- telegram -----------------------------------------------------------------------------------------------------

    def sent(self, kind: SendClass = SendClass.SIGNAL) -> list[SendMessage]:
        return [one for one in self.bus.said(catalogue.SEND) if one.kind is kind]

    async def sent_to(self, person: int, kind: SendClass = SendClass.SIGNAL, count: int = 1) -> SendMessage:
        def found() -> list[SendMessage]:
            return [one for one in self.sent(kind) if one.subscriber_id == person]

        await until(lambda: len(found()) >= count, f"{kind} to {person}")
        assert len(found()) == count
        return found()[-1]

    async def settle(self, settled: DeliverySettled) -> None:
        await self.bus.publish(catalogue.DELIVERY, settled, settled.state, settled.chat_id)
        await self.handled(catalogue.POSITIONS_DELIVERIES)

    async def deliver(self, *people: int, state: DeliveryState = DeliveryState.DELIVERED, **changes: Any) -> None:
        for one in people:
            await self.settle(a_delivery(await self.sent_to(one), state, **changes))

    async def deliver_next(self, person: int, count: int) -> None:
        """Deliver the signal that is a person's `count`th."""

        def sent() -> list[SendMessage]:
            return [one for one in self.sent() if one.subscriber_id == person]

        await until(lambda: len(sent()) >= count, f"signal {count} to {person}")
        await self.settle(a_delivery(sent()[count - 1]))

    async def handled(self, consumer: Any) -> None:
        await until(lambda: self.bus.waiting(consumer) == 0, f"handling of {consumer.name}")

    # --- what came of it ----------------------------------------------------------------------------------------------

    async def closed(self, count: int) -> list[PositionClosed]:
        await until(lambda: len(self.bus.said(catalogue.POSITION_CLOSED)) >= count, f"{count} closed")
        found = self.bus.said(catalogue.POSITION_CLOSED)
        assert len(found) == count
        return found

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async def rows_only(self, statements: str) -> None:
        """Run statements that return nothing."""
        async with self.pool.connection() as connection:
            await connection.execute(statements.encode())

    async def states(self) -> dict[int, str]:
        return dict(await self.rows("select subscriber_id, state from position order by proposed_at"))

    async def quiet(self) -> None:
        """Wait until nothing is under way: every tick was followed, every exit stored, the outbox is empty."""
        ticks = self.bus.said(catalogue.TICK)
        last = max((one.epoch_ms for one in ticks), default=0)

        async def is_quiet() -> bool:
            rows = await self.rows("select (select count(*) from outbox), max(epoch_ms) from progress")
            return rows[0][0] == 0 and (rows[0][1] or 0) >= last

        await until_row(is_quiet, "quiet")

    async def opened(self, *people: int) -> None:
        """Bring people to an open position from a fresh house: subscribed, signalled, delivered, followed."""
        await self.feed()
        await self.subscribe(*people)
        await self.tick(a_tick(0, 3999.9))
        await self.raise_signal(a_signal())
        await self.deliver(*people)
        await self.followed(len(people))
