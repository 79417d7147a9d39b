"""The outbox and its relay, on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from chassis import inbox, outbox
from chassis.bus import Outgoing
from chassis.clock import SystemClock
from chassis.database import Pool, apply_migrations, open_pool, transaction
from chassis.errors import RejectedError, TransientError
from chassis.memory_bus import MemoryBus
from contracts import catalogue


class Recorder:
    """Stands for the broker: keeps what is published, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.published: list[str] = []
        self.failures = failures
        self.arrived = asyncio.Event()

    async def publish_batch(self, batch: Sequence[Outgoing]) -> None:
        if self.failures:
            self.failures -= 1
            raise TransientError("broker away")
        self.published += [message.id for message in batch]
        self.arrived.set()


def message(name: str) -> Outgoing:
    return Outgoing("send.v1.exit.1", b"{}", name)


async def run_until(recorder: Recorder, pool: Pool, count: int) -> None:
    """Run the relay until so many were published and what it published is deleted."""
    relay = asyncio.ensure_future(outbox.Relay(pool, recorder, schema="positions").run())
    try:
        async with asyncio.timeout(60):
            while len(recorder.published) < count:
                recorder.arrived.clear()
                await recorder.arrived.wait()
            await until_empty(pool)
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def until_empty(pool: Pool) -> None:
    """Wait until no committed row is left: the relay deletes a batch after it was published."""
    async with await psycopg.AsyncConnection.connect(pool.conninfo, autocommit=True) as looking:
        while await (await looking.execute("select from positions.outbox limit 1")).fetchone() is not None:
            await asyncio.sleep(0.01)


async def open_positions(url: str):
    return open_pool(url, name="test", setting="X", schema="positions")


async def test_committed_rows_are_published_in_order_and_deleted(postgres: str) -> None:
    recorder = Recorder()
    async with await open_positions(postgres) as pool:
        async with transaction(pool) as connection:
            await outbox.add(connection, [message(f"m{n}") for n in range(600)])

        await run_until(recorder, pool, 600)

        async with pool.connection() as connection:
            left = await (await connection.execute("select count(*) from outbox")).fetchone()
    assert recorder.published == [f"m{n}" for n in range(600)]
    assert left == (0,)


async def test_a_row_of_a_transaction_that_failed_is_never_published(postgres: str) -> None:
    recorder = Recorder()
    async with await open_positions(postgres) as pool:
        try:
            async with transaction(pool) as connection:
                await outbox.add(connection, [message("lost")])
                raise RuntimeError("the change failed")
        except RuntimeError:
            pass
        async with transaction(pool) as connection:
            await outbox.add(connection, [message("kept")])

        await run_until(recorder, pool, 1)

    assert recorder.published == ["kept"]


async def test_a_later_row_waits_for_an_earlier_transaction(postgres: str) -> None:
    recorder = Recorder()
    async with await open_positions(postgres) as pool:
        async with await psycopg.AsyncConnection.connect(postgres, options="-c search_path=positions") as slow:
            await outbox.add(slow, [message("first")])
            async with transaction(pool) as connection:
                await outbox.add(connection, [message("second")])
            async with pool.connection() as connection:
                await connection.set_autocommit(True)
                relay = outbox.Relay(pool, recorder, schema="positions")
                assert await relay.publish_once(connection) == 0
                await connection.set_autocommit(False)
            await slow.commit()

        await run_until(recorder, pool, 2)

    assert recorder.published == ["first", "second"]


async def test_a_broker_that_is_away_loses_nothing(postgres: str) -> None:
    recorder = Recorder(failures=1)
    async with await open_positions(postgres) as pool:
        async with transaction(pool) as connection:
            await outbox.add(connection, [message("a"), message("b")])

        await run_until(recorder, pool, 2)

    assert recorder.published == ["a", "b"]


async def test_a_message_is_handled_once(postgres: str) -> None:
    async with await open_positions(postgres) as pool:
        async with transaction(pool) as connection:
            first = await inbox.first_time(connection, "consumer", "m1")
        async with transaction(pool) as connection:
            again = await inbox.first_time(connection, "consumer", "m1")
            other = await inbox.first_time(connection, "other", "m1")
    assert (first, again, other) == (True, False, True)


async def test_migrations_are_applied_once(postgres: str) -> None:
    assert await apply_migrations(postgres) == []


async def test_a_message_that_the_broker_never_takes_holds_up_no_other(postgres: str) -> None:
    class Picky(MemoryBus):
        async def publish_batch(self, batch: Sequence[Outgoing]) -> None:
            if any(one.id == "poison" for one in batch):
                raise RejectedError("broker: never")
            await super().publish_batch(batch)

    bus = Picky(SystemClock())
    async with await open_positions(postgres) as pool:
        async with transaction(pool) as connection:
            await outbox.add(connection, [message("before"), message("poison"), message("behind")])
        relay = asyncio.ensure_future(outbox.Relay(pool, bus, schema="positions").run())
        async with asyncio.timeout(60), bus.deliveries(catalogue.TELEGRAM_SENDS) as sends:
            came = [(await anext(sends)).message.headers["Nats-Msg-Id"] for _ in range(2)]
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)

    (letter,) = bus.said(catalogue.DEAD)
    assert came == ["before", "behind"]
    assert (letter.subject, letter.payload, letter.reason) == ("send.v1.exit.1", b"{}", "broker: never")


async def test_a_copy_that_freezes_in_a_transaction_is_shut_out_and_the_outbox_goes_on(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.database.IDLE_IN_TRANSACTION_MS", 500)
    recorder = Recorder()

    async def freeze(pool: Pool) -> None:
        async with transaction(pool) as frozen:
            await outbox.add(frozen, [message("frozen")])
            async with await psycopg.AsyncConnection.connect(
                postgres, options="-c search_path=positions", autocommit=True
            ) as connection:  # not one of the pool's: it may not be shut out as well when the test itself is held up
                await outbox.add(connection, [message("later")])
            await run_until(recorder, pool, 1)
            await frozen.execute("select 1")

    async with await open_positions(postgres) as pool:
        with pytest.raises(TransientError):
            await freeze(pool)

    assert recorder.published == ["later"]
