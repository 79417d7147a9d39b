"""The channels we publish to, in PostgreSQL, schema telegram."""

from chassis.breaker import Breaker, guarded
from chassis.database import Pool


class PostgresChannels:
    """Keeps which channels positions was told of."""

    def __init__(self, pool: Pool, breaker: Breaker | None = None) -> None:
        self._pool = pool
        self._breaker = breaker

    async def known(self) -> frozenset[int]:
        """List them."""
        async with guarded(self._pool, self._breaker) as connection:
            found = await (await connection.execute("select chat_id from channel")).fetchall()
        return frozenset(int(chat_id) for (chat_id,) in found)

    async def remember(self, chat_id: int) -> None:
        """Add one."""
        statement = "insert into channel (chat_id) values (%(id)s) on conflict do nothing"
        async with guarded(self._pool, self._breaker) as connection:
            await connection.execute(statement, {"id": chat_id})

    async def forget(self, chat_id: int) -> None:
        """Take one away."""
        async with guarded(self._pool, self._breaker) as connection:
            await connection.execute("delete from channel where chat_id = %(id)s", {"id": chat_id})
