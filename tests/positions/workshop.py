"""The room taken apart: its handlers, its follower and its real store, moved one step at a time, with failures.

Nothing runs by itself here. Somebody else decides when a signal is handed out, a tick is followed, a change is heard, a
batch is stored, the outbox is published; and which transaction fails, before its commit or just behind it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chassis.bus import Stored
from chassis.clock import ManualClock
from chassis.database import Pool
from chassis.errors import TransientError
from chassis.memory_bus import MemoryBus
from chassis.outbox import Relay
from contracts.messages import DeliverySettled, SignalRaised, Tick
from services.positions.adapters.postgres_store import PostgresStore
from services.positions.domain.gates import GateRules
from services.positions.domain.plans import PlanRule
from services.positions.domain.subscriber import AccessRule
from services.positions.handlers.answers import Answers
from services.positions.handlers.ending import Ending
from services.positions.handlers.follower import Follower
from services.positions.handlers.ground import Ground
from services.positions.handlers.market import Market
from services.positions.handlers.pausing import Pausing
from services.positions.handlers.people import Newcomer, People
from services.positions.handlers.proposing import Proposing
from services.positions.ports import Change, TenureOverError, View, Work
from services.positions.settings import PositionsSettings
from tests.positions.builders import GOLD, a_feed
from tests.positions.house import publish_all

PAGE = 2
"""Small, so that a few people are several pages."""
FORGET = "truncate subscriber, signal, position, position_event, refusal, progress, pause, outbox, inbox cascade"


class Listening:
    """A transaction whose announcements are kept, as the database keeps them until the commit."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.changes: list[Change] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    async def announce(self, change: Change) -> None:
        self.changes.append(change)


class ShakyStore:
    """The real store; the transaction that was chosen fails, before its commit or behind it: the answer is lost.

    One at a time, in the order they are asked for: a story that is told again must go alike.
    """

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self.changes: deque[Change] = deque()
        self.fails_in = 0
        self.is_committed = False

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        async with self._turn, self._next() as work:
            yield work

    @asynccontextmanager
    async def view(self, subscriber_id: int) -> AsyncIterator[View]:
        async with self._turn, self._store.view(subscriber_id) as view:
            yield view

    @asynccontextmanager
    async def _next(self) -> AsyncIterator[Work]:
        is_failing = self.fails_in == 1
        self.fails_in = max(0, self.fails_in - 1)
        async with self._store.work() as real:
            work = Listening(real)
            yield work  # type: ignore[misc]  # it answers for the rest by the work it stands for
            if is_failing and not self.is_committed:
                raise TransientError("test: rolled back")
        self.changes += work.changes
        if is_failing:
            raise TransientError("test: committed, and nobody heard")


class Workshop:
    """One room on one database; `restart` makes another of it."""

    def __init__(self, pool: Pool, settings: PositionsSettings) -> None:
        self.pool = pool
        self.clock = ManualClock()
        self.bus = MemoryBus(self.clock)
        self.store = ShakyStore(PostgresStore(pool))
        self.market = Market(self.clock, 1e9)
        self.market.learn_feed(a_feed())
        self.ticks: list[tuple[Stored, Tick]] = []
        self.tenure = 0
        ground = Ground(
            store=self.store,
            bus=self.bus,
            clock=self.clock,
            market=self.market,
            rules=GateRules(cooldown_s=1.0, same_side_s=2.0),
            access=AccessRule(access=settings.access),
            plans=PlanRule(),
            instruments={"XAUUSD": GOLD},
        )
        newcomer = Newcomer(language="en", time_zone="Asia/Jakarta", lots=settings.default_lots)
        self.people = People(ground, newcomer)
        self.proposing = Proposing(ground, page=PAGE)
        self.ending = Ending(ground, Pausing(ground, newcomer))
        self.answers = Answers(ground, self.people, lambda _symbol, position_id: self.follower.standing(position_id))
        self.follower = Follower(GOLD, self.clock)

    # --- the market ---------------------------------------------------------------------------------------------------

    def publish(self, tick: Tick) -> None:
        """Store a tick in the stream."""
        self.ticks.append((Stored("tick.v1.XAUUSD", b"", {}, len(self.ticks) + 1, self.clock.now()), tick))

    def follow(self, count: int) -> None:
        """Follow the next ticks of the stream."""
        for stored, tick in self.ticks[self.follower.read_sequence :][:count]:
            if self.follower.on_tick(stored, tick):
                self.market.learn_price(tick)

    # --- the follower -------------------------------------------------------------------------------------------------

    async def restart(self) -> Follower:
        """Begin another tenure, as a copy that starts does; returns the follower of the one before."""
        before = self.follower
        async with self.store.work() as work:
            tenure, mark = await work.progress.begin("XAUUSD")
            pause = await work.progress.pausing("XAUUSD")
            positions = await work.positions.followed("XAUUSD")
        self.tenure, self.follower = tenure, Follower(GOLD, self.clock, mark, pause)
        self.follower.read_sequence = max(0, mark.rewind_sequence - 1) if mark else 0
        self.follower.follow(positions)
        self.follower.begin_telling()
        self.store.changes.clear()
        return before

    async def hear(self) -> None:
        """Take in the oldest change that was announced."""
        change = self.store.changes[0]
        if change.voided_id is not None:
            self.follower.forget(change.voided_id)
        if change.signal_id is not None:
            async with self.store.work() as work:
                self.follower.follow(await work.positions.followed("XAUUSD", change.signal_id, change.people))
        self.store.changes.popleft()

    async def write(self, limit: int) -> None:
        """Store the oldest of what ticks decided."""
        batch = self.follower.batch(limit)
        await self.ending.store("XAUUSD", self.tenure, batch)
        self.follower.stored(batch)

    async def write_late(self, other: Follower, tenure: int) -> bool:
        """Let a follower whose tenure is over store what it still has; False where it is told so."""
        try:
            await self.ending.store("XAUUSD", tenure, other.batch(250))
        except TenureOverError:
            return False
        return True

    # --- messages -----------------------------------------------------------------------------------------------------

    async def hand_out(self, signal: SignalRaised) -> None:
        """Handle a signal."""
        await self.proposing.on_signal(signal, _stored("signal.v1"))

    async def settle(self, settled: DeliverySettled) -> None:
        """Handle a delivery."""
        await self.ending.on_delivery(settled, _stored("delivery.v1"))

    async def relay(self, *, dies: bool) -> None:
        """Publish what the outbox holds; a relay that dies has published, but deleted nothing."""
        if not dies:
            await publish_all(self.pool, self.bus)
            return
        async with self.pool.connection() as connection:
            await connection.set_autocommit(False)
            await Relay(self.pool, self.bus, schema="positions").publish_once(connection)
            await connection.rollback()

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read rows."""
        async with self.pool.connection() as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async def forget(self) -> None:
        """Empty the tables."""
        async with self.pool.connection() as connection:
            await connection.execute(FORGET)


def _stored(subject: str) -> Stored:
    return Stored(subject, b"", {}, 1, ManualClock().now())
