"""The channels we publish to, in PostgreSQL, schema telegram."""

from chassis.database import Pool, transaction


class PostgresChannels:
    """Keeps which channels positions was told of."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def known(self) -> frozenset[int]:
        """List them."""
        async with transaction(self._pool) as connection:
            found = await (await connection.execute("select chat_id from channel")).fetchall()
        return frozenset(int(chat_id) for (chat_id,) in found)

    async def remember(self, chat_id: int) -> None:
        """Add one."""
        statement = "insert into channel (chat_id) values (%(id)s) on conflict do nothing"
        async with transaction(self._pool) as connection:
            await connection.execute(statement, {"id": chat_id})

    async def forget(self, chat_id: int) -> None:
        """Take one away."""
        async with transaction(self._pool) as connection:
            await connection.execute("delete from channel where chat_id = %(id)s", {"id": chat_id})
