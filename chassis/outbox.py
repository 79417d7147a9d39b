"""The outbox: a change of state and the facts it causes are one transaction; a relay publishes them in order.

The message id is the broker's dedupe id, so a relay that dies between publishing and deleting repeats harmlessly.
Identity values can commit out of order: only rows of transactions below the oldest running one are taken, so an
earlier row is never overtaken by a later one.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from psycopg import AsyncConnection, sql

from chassis import metrics
from chassis.bus import Bus, Outgoing, Stored
from chassis.cancellation import heeding
from chassis.clock import SystemClock
from chassis.database import AWAY, Pool
from chassis.dead_letters import bury
from chassis.errors import RejectedError, TransientError
from contracts.channels import Consumer

SWEEP_S = 1.0
"""How long a row may wait when its notification was lost."""

HELD_BACK_S = 0.02
"""How soon to look again at rows that an older running transaction holds back."""

logger = structlog.get_logger()

_TAKE = """
    select id, message_id, subject, body from outbox
    where xid < pg_snapshot_xmin(pg_current_snapshot())
    order by id limit %s
"""


async def add(connection: AsyncConnection[tuple[Any, ...]], messages: Sequence[Outgoing]) -> None:
    """Write messages into this transaction. An id that is there already is left alone."""
    await connection.execute(
        "insert into outbox (message_id, subject, body)"
        " select * from unnest(%b::text[], %b::text[], %b::bytea[]) on conflict (message_id) do nothing",
        [[m.id for m in messages], [m.subject for m in messages], [m.body for m in messages]],
    )


class Relay:
    """Publishes the outbox of one schema. Copies take turns: one holds the schema's advisory lock."""

    def __init__(self, pool: Pool, bus: Bus, *, schema: str, batch: int = 250) -> None:
        self._pool = pool
        self._bus = bus
        self._schema = schema
        self._batch = batch

    async def run(self) -> None:
        """Publish for ever; broker or database away: wait and go on. Cancel it to stop."""
        is_down = False
        while True:
            try:
                async with heeding(self._pool.connection()) as connection:
                    await self._relay(connection)
            except (*AWAY, TransientError) as e:
                if not is_down:
                    logger.warning("outbox.halted", key=self._schema, error=e)
                is_down = True
                await asyncio.sleep(SWEEP_S)
            else:
                is_down = False

    async def _relay(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        """Hold the lock and publish until something breaks. The lock goes with the connection."""
        await connection.set_autocommit(True)
        try:
            await self._lock(connection)
            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(f"outbox_{self._schema}")))
            while True:
                if await self.publish_once(connection) == 0:
                    await self._wait(connection, HELD_BACK_S if await self._is_held_back(connection) else SWEEP_S)
        finally:
            if not connection.closed and not connection.broken:
                await connection.execute("select pg_advisory_unlock_all()")
                await connection.execute("unlisten *")
                await connection.set_autocommit(False)

    async def _lock(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        while True:
            row = await (
                await connection.execute("select pg_try_advisory_lock(hashtext(%s))", [f"outbox:{self._schema}"])
            ).fetchone()
            if row is not None and row[0]:
                return
            await asyncio.sleep(SWEEP_S)

    async def publish_once(self, connection: AsyncConnection[tuple[Any, ...]]) -> int:
        """Publish and delete one batch; returns how many rows it held."""
        rows = await (await connection.execute(_TAKE, [self._batch])).fetchall()
        if not rows:
            metrics.OUTBOX_PENDING.set(0)
            return 0
        await self._publish([Outgoing(subject, bytes(body), message) for _, message, subject, body in rows])
        await connection.execute("delete from outbox where id = any(%s)", [[row[0] for row in rows]])
        metrics.OUTBOX_PUBLISHED.inc(len(rows))
        metrics.OUTBOX_PENDING.set(len(rows))
        return len(rows)

    async def _publish(self, batch: Sequence[Outgoing]) -> None:
        try:
            await self._bus.publish_batch(batch)
        except RejectedError:
            for message in batch:
                await self._publish_alone(message)

    async def _publish_alone(self, message: Outgoing) -> None:
        """Publish one; what the broker will never take goes to the dead letters, so that others need not wait."""
        try:
            await self._bus.publish_batch([message])
        except RejectedError as e:
            logger.error("outbox.refused", key=message.subject, error=str(e))  # noqa: TRY400  # its words say it all
            clock = SystemClock()
            refused = Stored(message.subject, message.body, {"Nats-Msg-Id": message.id}, 0, clock.now())
            source = Consumer(f"outbox-{self._schema}", "OUTBOX", (), self._schema)
            await bury(self._bus, clock, source, refused, reason=str(e), attempts=1)

    async def _is_held_back(self, connection: AsyncConnection[tuple[Any, ...]]) -> bool:
        """Whether rows wait for an older transaction to end."""
        row = await (await connection.execute("select exists (select from outbox)")).fetchone()
        return bool(row and row[0])

    async def _wait(self, connection: AsyncConnection[tuple[Any, ...]], timeout_s: float) -> None:
        """Until a notification arrives, or the time is up."""
        async for _ in connection.notifies(timeout=timeout_s, stop_after=1):
            pass
