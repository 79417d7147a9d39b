"""The right to follow the ticks of a symbol, as an advisory lock; and what is announced to its holder.

The lock lives on a connection of its own that listens on the symbol's channel: when the connection goes, the right
goes, and whoever waits gets it. It is asked for again and again instead of waited for inside the database, since a
statement that waits there keeps the vacuum from cleaning up behind everybody else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection, sql

from chassis.consume import growing_delay
from chassis.errors import TransientError
from chassis.log import redact
from services.positions.adapters.postgres_rows import Connection
from services.positions.ports import Change, Lease, TenureOverError

RETRY_S = 1.0
RETAKES = 10
"""How often a lost right is asked for before it counts as somebody else's: our dead connection may still hold it."""

_OPTIONS = "-c timezone=UTC -c search_path=positions"

logger = structlog.get_logger()


def channel(symbol: str) -> str:
    """Name the channel of a symbol."""
    return f"positions_{symbol.lower()}"


def announcement(change: Change) -> tuple[str, str]:
    """Write a change as channel and payload."""
    return channel(change.symbol), msgspec.json.encode(change).decode()


class PostgresLease:
    """The lease of one symbol."""

    def __init__(self, url: str, symbol: str) -> None:
        self._url = url
        self._symbol = symbol
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the right back."""
        await self._close()

    async def take(self) -> None:
        """Wait until the right is ours."""
        attempt = 0
        while True:
            try:
                if await self._try():
                    return
                attempt = 0
            except TransientError as e:
                attempt += 1
                if attempt == 1:
                    logger.warning("lease.unreachable", symbol=self._symbol, error=str(e))
            await asyncio.sleep(growing_delay(attempt) if attempt else RETRY_S)

    async def retake(self) -> None:
        """Get a lost right back, or find that it is somebody else's. Waits as long as the database is away."""
        await self._close()
        refusals = 0
        attempt = 0
        while refusals < RETAKES:
            try:
                if await self._try():
                    return
                refusals += 1
            except TransientError:
                attempt += 1
            await asyncio.sleep(min(growing_delay(attempt), 5.0) if attempt else RETRY_S)
        raise TenureOverError(f"another copy follows {self._symbol}")

    async def changes(self) -> AsyncIterator[Change]:
        """Hear what is announced for the symbol."""
        assert self._connection is not None, "the lease was not taken"
        try:
            async for notification in self._connection.notifies():
                yield msgspec.json.decode(notification.payload, type=Change)
        except (psycopg.OperationalError, psycopg.InterfaceError) as e:
            raise TransientError(f"database: {redact(str(e)).strip()}") from e

    async def _try(self) -> bool:
        """Ask once; listens before it returns True, so that nothing announced later is missed."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = await AsyncConnection.connect(
                    self._url,
                    autocommit=True,
                    connect_timeout=3,
                    application_name="sinyal-positions-lease",
                    options=_OPTIONS,
                    keepalives_idle=5,
                    keepalives_interval=2,
                    keepalives_count=3,
                )
            query = "select pg_try_advisory_lock(hashtext(%s))"
            row = await (await self._connection.execute(query, [f"ticks:{self._symbol}"])).fetchone()
            if not row or not row[0]:
                return False
            await self._connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel(self._symbol))))
        except (psycopg.OperationalError, psycopg.InterfaceError) as e:
            await self._close()
            raise TransientError(f"database: {redact(str(e)).strip()}") from e
        return True

    async def _close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


class PostgresLeases:
    """Leases on one database."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def lease(self, symbol: str) -> AsyncIterator[Lease]:
        """Open a lease that is not taken yet."""
        async with PostgresLease(self._url, symbol) as lease:
            yield lease
