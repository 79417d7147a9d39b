"""The store of this room on PostgreSQL: one transaction at a time, with all tables behind it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import psycopg

from chassis import inbox, outbox
from chassis.breaker import Breaker, guarded
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
from services.positions.ports import Change, View, Work

SCHEMA = "positions"
READER = "sinyal_reader"
_SEE_AS = (
    f"select set_config('role', '{READER}', true), set_config('transaction_read_only', 'on', true),"
    " set_config('sinyal.subscriber_id', %s, true)"
)
"""Until the transaction ends: another role, nothing may be written, and the policies' rows of one subscriber."""


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

    async def was_handled(self, consumer: str, message_id: str) -> bool:
        """Look into the inbox."""
        return await inbox.is_known(self._connection, consumer, message_id)

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


class PostgresView:
    """One open transaction that sees the rows of one subscriber."""

    def __init__(self, connection: Connection) -> None:
        self.subscribers = PostgresSubscribers(connection)
        self.answers = PostgresAnswers(connection)
        self.statistics = PostgresStatistics(connection)
        self.export = PostgresExport(connection)


class PostgresStore:
    """The store behind a pool, and behind a breaker where there is one."""

    def __init__(self, pool: Pool, breaker: Breaker | None = None) -> None:
        self._pool = pool
        self._breaker = breaker

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """Begin a transaction."""
        with rejections():
            async with guarded(self._pool, self._breaker) as connection:
                yield PostgresWork(connection)

    @asynccontextmanager
    async def view(self, subscriber_id: int) -> AsyncIterator[View]:
        """Begin to read as one subscriber. The role and his id end with the transaction."""
        async with guarded(self._pool, self._breaker) as connection:
            await connection.execute(_SEE_AS, (str(subscriber_id),))
            yield PostgresView(connection)


async def require_tables(pool: Pool, setting: str) -> None:
    """Look for this room's tables, and whether subscribers can be answered.

    Raises:
        StartError: the migrations were not applied, or the user may not become the readers' role; names the setting
            that points to the database.
    """
    async with transaction(pool) as connection:
        row = await (await connection.execute(f"select to_regclass('{SCHEMA}.progress') is not null")).fetchone()
    if not row or not row[0]:
        raise StartError(f"{setting}: this database has no tables of ours: apply the migrations first")
    try:
        async with PostgresStore(pool).view(0) as view:
            await view.subscribers.find(0)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue) as e:
        cure = f"migrate, and have its owner run: grant {READER} to its user"
        raise StartError(f"{setting}: its user cannot answer subscribers ({e.diag.message_primary}): {cure}") from e
