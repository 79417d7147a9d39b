"""PostgreSQL: the pool, and the one-shot migrations.

Each room that keeps tables owns a schema of its name. Its numbered SQL files (`NNNN_name.sql`) run once each, in
order, inside that schema; every schema gets the outbox and the inbox first.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from chassis.cancellation import heeding
from chassis.errors import ConflictError, DatabaseAwayError, StartError, TransientError
from chassis.log import redact

ROOT = Path(__file__).resolve().parent.parent
OWN_SQL = Path(__file__).parent / "sql"
SCHEMAS = ("positions", "telegram")
"""The rooms that keep tables, in the order they are migrated and backed up."""
MIGRATION_LOCK = 0x51_4E_59_41  # any constant of ours: two migrators wait for each other

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_MS = 30_000
"""A copy that froze or was cut off in a transaction keeps its locks, and every outbox waits for its end."""

LINK: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A server that vanished without a word is noticed after seconds; the kernel's own times are a quarter of an hour for
a question under way, and two hours for a silent connection.
"""

AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,  # a standby that is not yet, or no longer, the one to write to
    PoolTimeout,
)
"""What heals by itself, as psycopg tells it."""

CONFLICTS = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
FULL = (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory)


class DatabaseFullError(TransientError):
    """The database has no room for what is to be written; what is there can be read."""


class MigrationRefusedError(StartError):
    """The database refuses a migration: somebody else must do something first, or rows are not what they must be."""


class MigrationChangedError(StartError):
    """An applied migration file is not the file that was applied."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file of a schema."""

    schema: str
    name: str
    text: str

    @property
    def digest(self) -> str:
        """What was applied, so that a later edit is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@asynccontextmanager
async def open_pool(
    url: str, *, name: str, setting: str, max_size: int = 8, schema: str | None = None, wait_s: float = 30.0
) -> AsyncIterator[Pool]:
    """Open a pool whose sessions are in UTC, with short statement and lock timeouts.

    Raises:
        StartError: no connection within `wait_s`; names the setting.
    """
    options = f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
    options += f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
    if schema is not None:
        options += f" -c search_path={schema}"
    pool: Pool = AsyncConnectionPool(
        url,
        kwargs={"application_name": f"sinyal-{name}", "options": options, **LINK},
        min_size=1,
        max_size=max_size,
        open=False,
        timeout=5.0,
        check=AsyncConnectionPool.check_connection,
        reconnect_timeout=10.0,
    )
    try:
        await pool.open(wait=True, timeout=wait_s)
    except PoolTimeout as e:
        await pool.close()
        raise StartError(f"{setting}: no PostgreSQL answers at {redact(url)}") from e
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
    """Lend a connection for one transaction; what the database cannot do now becomes a TransientError."""
    try:
        async with heeding(pool.connection()) as connection:
            yield connection
    except AWAY as e:
        raise _kind(e)(f"database: {redact(str(e)).strip()}") from e


def _kind(error: Exception) -> type[TransientError]:
    if isinstance(error, CONFLICTS):
        return ConflictError
    return DatabaseFullError if isinstance(error, FULL) else DatabaseAwayError


def find_migrations(schema: str) -> list[Migration]:
    """List a schema's migrations: the chassis' own first, then the room's, each by number."""
    folders = (OWN_SQL, ROOT / "services" / schema / "adapters" / "sql")
    files = [file for folder in folders for file in sorted(folder.glob("[0-9]*.sql"))]
    return [Migration(schema, f"{file.parent.parent.name}/{file.name}", file.read_text()) for file in files]


async def apply_migrations(url: str, schemas: tuple[str, ...] = SCHEMAS) -> list[str]:
    """Bring the schemas up to date; returns the names of what was applied. Two at a time wait for each other.

    Raises:
        StartError: the database cannot be reached or refuses, or a migration that was applied has been edited since.
    """
    try:
        connection = await AsyncConnection.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as e:
        raise StartError(f"SINYAL_DATABASE_URL: no PostgreSQL answers at {redact(url)}") from e
    applied: list[str] = []
    async with connection:
        await connection.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
        for schema in schemas:
            applied += [await _apply(connection, migration) for migration in await _outstanding(connection, schema)]
    return applied


async def _outstanding(connection: AsyncConnection[tuple[Any, ...]], schema: str) -> list[Migration]:
    await connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    table = sql.Identifier(schema, "migration")
    await connection.execute(
        sql.SQL(
            "create table if not exists {} (name text primary key, digest text not null,"
            " applied_at timestamptz not null default now())"
        ).format(table)
    )
    rows = await (await connection.execute(sql.SQL("select name, digest from {}").format(table))).fetchall()
    done = dict(rows)
    for migration in find_migrations(schema):
        if done.get(migration.name, migration.digest) != migration.digest:
            raise MigrationChangedError(f"{schema}: {migration.name} was edited after it was applied: add a new one")
    return [migration for migration in find_migrations(schema) if migration.name not in done]


async def _apply(connection: AsyncConnection[tuple[Any, ...]], migration: Migration) -> str:
    try:
        await _run(connection, migration)
    except (psycopg.errors.InsufficientPrivilege, psycopg.IntegrityError) as e:
        told = f"{e.diag.message_primary}" + (f" ({e.diag.message_hint})" if e.diag.message_hint else "")
        raise MigrationRefusedError(f"{migration.schema}: {migration.name}: {told}") from e
    return f"{migration.schema}: {migration.name}"


async def _run(connection: AsyncConnection[tuple[Any, ...]], migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(sql.SQL("set local search_path to {}").format(sql.Identifier(migration.schema)))
        await connection.execute(migration.text.encode())
        await connection.execute(
            sql.SQL("insert into {} (name, digest) values (%s, %s)").format(
                sql.Identifier(migration.schema, "migration")
            ),
            [migration.name, migration.digest],
        )
