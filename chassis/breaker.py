"""A breaker before a database: while it does not answer, nobody waits for it.

One connection of its own asks a trifle every second; two answers in a row that do not come within their limit, or one
refused connection, open the breaker, and the first that comes closes it. So nobody's work is spent on trying, a pool
whose connections are all busy is not taken for a database that is away, and a server that is frozen, whose
connections stay open and silent, is found out like one that is gone.

Work that was under way when it opened is left alone: it goes on where the server does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection

from chassis import metrics
from chassis.clock import Clock
from chassis.database import LINK, DatabaseFullError, Pool, transaction
from chassis.errors import ConflictError, DatabaseAwayError, TransientError

EVERY_S = 1.0
LIMIT_S = 1.5
"""How long one trifle may take: a busy server answers within milliseconds."""
CONNECT_S = 2
SILENT = 2
"""So many unanswered in a row open it: one may have been lost with its connection."""
DOUBTED_S = 0.1
"""How soon after the last it asks again when somebody's work failed."""
FULL_S = 30.0
"""For how long a write that was refused for want of space is told of: work in hand tries again every ten seconds."""

logger = structlog.get_logger()


class Breaker:
    """The breaker of one database; `run` must run beside whoever is let through."""

    def __init__(self, url: str, *, name: str, clock: Clock) -> None:
        """Watch the database at `url`; `name` tells the room whose breaker it is."""
        self._url = url
        self._name = name
        self._clock = clock
        self._doubt = asyncio.Event()
        self._silent = 0
        self._full_s: float | None = None
        self._closed = asyncio.Event()
        self._closed.set()
        self.is_open = False
        metrics.BREAKER_OPEN.labels("database").set(0)

    @property
    def is_full(self) -> bool:
        """Whether a write was refused for want of space lately."""
        return self._full_s is not None and self._clock.monotonic() - self._full_s < FULL_S

    def admit(self) -> None:
        """Let somebody through.

        Raises:
            DatabaseAwayError: the database does not answer now.
        """
        if self.is_open:
            raise DatabaseAwayError("database: does not answer, nobody is let through until it does")

    async def admit_in_time(self, within_s: float) -> None:
        """Let somebody through as soon as the database answers.

        Raises:
            DatabaseAwayError: it did not within `within_s`.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._closed.wait()
        except TimeoutError:
            raise DatabaseAwayError(f"database: did not answer for {within_s:g} s") from None

    def note(self, failure: TransientError) -> None:
        """Learn that somebody's work failed: ask at once whether the database is there."""
        if isinstance(failure, DatabaseFullError):
            self._full_s = self._clock.monotonic()
        elif not isinstance(failure, ConflictError):
            self._doubt.set()

    async def run(self) -> None:
        """Ask for ever. Cancel it to stop."""
        connection: AsyncConnection[Any] | None = None
        try:
            while True:
                connection = await self._ask(connection)
                await self._rest()
        finally:
            if connection is not None:
                await connection.close()

    async def _ask(self, connection: AsyncConnection[Any] | None) -> AsyncConnection[Any] | None:
        """Ask once; returns the connection to ask on next, None where it is of no use any more."""
        try:
            if connection is None or connection.closed:
                connection = await AsyncConnection.connect(
                    self._url,
                    autocommit=True,
                    application_name=f"sinyal-{self._name}-breaker",
                    **LINK | {"connect_timeout": CONNECT_S},
                )
            is_answered = await self._answers(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._count(SILENT)
            return None
        self._count(0 if is_answered else self._silent + 1)
        return connection if is_answered else None

    async def _answers(self, connection: AsyncConnection[Any]) -> bool:
        """Whether a trifle is answered in time. A connection that is silent is closed first: to cancel what runs on it
        would mean to ask the silent server for that, and to wait again.
        """
        asked = asyncio.ensure_future(connection.execute("select 1"))
        try:
            await asyncio.wait({asked}, timeout=LIMIT_S)
            if asked.done():
                asked.result()
                return True
            return False
        finally:
            if not asked.done():
                await connection.close()
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)

    def _count(self, silent: int) -> None:
        self._silent = silent
        is_open = silent >= SILENT
        if is_open is self.is_open:
            return
        self.is_open = is_open
        (self._closed.clear if is_open else self._closed.set)()
        metrics.BREAKER_OPEN.labels("database").set(is_open)
        logger.warning("breaker.opened" if is_open else "breaker.closed", key="database")

    async def _rest(self) -> None:
        """Wait for the next turn; a doubt makes it come sooner."""
        await asyncio.sleep(DOUBTED_S)
        try:
            async with asyncio.timeout(EVERY_S):
                await self._doubt.wait()
        except TimeoutError:
            return
        self._doubt.clear()


@asynccontextmanager
async def guarded(pool: Pool, breaker: Breaker | None) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
    """Lend a connection for one transaction, unless the database is away; the breaker hears of what fails.

    Raises:
        TransientError: as `transaction` does, and at once where the breaker is open.
    """
    if breaker is not None:
        breaker.admit()
    try:
        async with transaction(pool) as connection:
            yield connection
    except TransientError as e:
        if breaker is not None:
            breaker.note(e)
        raise
