"""The store of this room on PostgreSQL: one transaction at a time, with all tables behind it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import psycopg

from chassis import inbox, outbox
from chassis.bus import Outgoing
from chassis.database import Pool, transaction
from chassis.errors import RejectedError, StartError
from services.positions.adapters.postgres_answers import PostgresAnswers
from services.positions.adapters.postgres_archive import PostgresArchive
from services.positions.adapters.postgres_erasure import PostgresErasure
from services.positions.adapters.postgres_export import PostgresExport
from services.positions.adapters.postgres_jobs import PostgresJobs
from services.positions.adapters.postgres_lease import announcement
from services.positions.adapters.postgres_positions import PostgresPositions
from services.positions.adapters.postgres_progress import PostgresProgress
from services.positions.adapters.postgres_proposals import PostgresProposals
from services.positions.adapters.postgres_rows import Connection
from services.positions.adapters.postgres_statistics import PostgresStatistics
from services.positions.adapters.postgres_subscribers import PostgresSubscribers
from services.positions.adapters.postgres_summaries import PostgresSummaries
from services.positions.ports import Change, Work

SCHEMA = "positions"


@contextmanager
def rejections() -> Iterator[None]:
    """Turn what the database will never take (a constraint, a value, a trigger's refusal) into a RejectedError."""
    try:
        yield
    except (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException) as e:
        raise RejectedError(f"database refuses: {type(e).__name__}: {e.diag.message_primary}") from e


class PostgresWork:
    """One open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.subscribers = PostgresSubscribers(connection)
        self.proposals = PostgresProposals(connection)
        self.positions = PostgresPositions(connection)
        self.answers = PostgresAnswers(connection)
        self.statistics = PostgresStatistics(connection)
        self.jobs = PostgresJobs(connection)
        self.summaries = PostgresSummaries(connection)
        self.erasure = PostgresErasure(connection)
        self.export = PostgresExport(connection)
        self.archive = PostgresArchive(connection)
        self.progress = PostgresProgress(connection)

    async def is_first_time(self, consumer: str, message_id: str) -> bool:
        """Record a message in the inbox."""
        return await inbox.first_time(self._connection, consumer, message_id)

    async def forget_handled(self, days: int, limit: int) -> int:
        """Delete old rows of the inbox."""
        return await inbox.forget_older(self._connection, days, limit=limit)

    async def say(self, messages: Sequence[Outgoing]) -> None:
        """Write messages into the outbox."""
        if messages:
            await outbox.add(self._connection, messages)

    async def announce(self, change: Change) -> None:
        """Notify the follower at commit."""
        await self._connection.execute("select pg_notify(%s, %s)", announcement(change))

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """Open a savepoint."""
        with rejections():
            async with self._connection.transaction():
                yield


class PostgresStore:
    """The store behind a pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """Begin a transaction."""
        with rejections():
            async with transaction(self._pool) as connection:
                yield PostgresWork(connection)


async def require_tables(pool: Pool, setting: str) -> None:
    """Look for this room's tables.

    Raises:
        StartError: the migrations were not applied; names the setting that points to the database.
    """
    async with transaction(pool) as connection:
        row = await (await connection.execute(f"select to_regclass('{SCHEMA}.progress') is not null")).fetchone()
    if not row or not row[0]:
        raise StartError(f"{setting}: this database has no tables of ours: apply the migrations first")
