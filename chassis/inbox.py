"""The inbox: a handler with effects records the message in the same transaction, so a redelivery does nothing."""

from typing import Any

from psycopg import AsyncConnection


async def first_time(connection: AsyncConnection[tuple[Any, ...]], consumer: str, message_id: str) -> bool:
    """Record a message in this transaction; False when it was recorded before: leave it alone."""
    cursor = await connection.execute(
        "insert into inbox (consumer, message_id) values (%s, %s) on conflict do nothing", [consumer, message_id]
    )
    return cursor.rowcount == 1


async def is_known(connection: AsyncConnection[tuple[Any, ...]], consumer: str, message_id: str) -> bool:
    """Look whether a message was recorded: for work of several transactions, which records it with the last."""
    cursor = await connection.execute(
        "select from inbox where consumer = %s and message_id = %s", [consumer, message_id]
    )
    return cursor.rowcount == 1


async def forget_older(connection: AsyncConnection[tuple[Any, ...]], days: int, *, limit: int = 10_000) -> int:
    """Delete at most `limit` of what was handled more than `days` ago, and return how many: fewer, and that was all.

    `days` must exceed the age of every stream that feeds the inbox.
    """
    cursor = await connection.execute(
        "delete from inbox where ctid = any(array(select ctid from inbox"
        " where handled_at < now() - make_interval(days => %s) limit %s))",
        [days, limit],
    )
    return cursor.rowcount
