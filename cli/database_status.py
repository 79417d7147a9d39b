"""How a database stands, looked at without changing it."""

from typing import Any

import msgspec
from psycopg import sql

from chassis.database import SCHEMAS, find_migrations
from cli.backup_manifest import applied_in, strangers
from cli.database_link import Database, Link

_SIZES = """
    select c.relname, pg_total_relation_size(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %s and c.relkind in ('r', 'p') order by 2 desc, 1
"""


class SchemaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One schema. `oldest_outbox_s` is the age of the message that waits longest, None where none does."""

    name: str
    applied: tuple[str, ...]
    outstanding: tuple[str, ...]
    unknown: tuple[str, ...]
    tables_bytes: dict[str, int]
    outbox: int
    inbox: int
    oldest_outbox_s: float | None


class DatabaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The whole database."""

    database: str
    server: str
    size_bytes: int
    schemas: tuple[SchemaStatus, ...]

    @property
    def is_up_to_date(self) -> bool:
        """Whether every schema is what this version of Sinyal knows."""
        return not any(one.outstanding or one.unknown for one in self.schemas)


def status_of(database: Database) -> DatabaseStatus:
    """Look at the database in one moment. Raises StartError."""
    with database.connect(autocommit=False) as connection:
        connection.read_only = True
        row = connection.execute("select version(), pg_database_size(current_database())").fetchone()
        assert row is not None
        return DatabaseStatus(
            database=connection.info.dbname,
            server=" ".join(row[0].split()[:2]),
            size_bytes=row[1],
            schemas=tuple(_schema(connection, schema) for schema in SCHEMAS),
        )


def _schema(connection: Link, schema: str) -> SchemaStatus:
    applied = applied_in(connection, schema)
    sizes = {row[0]: row[1] for row in connection.execute(_SIZES, [schema]).fetchall()}
    outbox, oldest_s, inbox = _queues(connection, schema) if {"outbox", "inbox"} <= sizes.keys() else (0, None, 0)
    return SchemaStatus(
        name=schema,
        applied=tuple(applied),
        outstanding=tuple(one.name for one in find_migrations(schema) if one.name not in applied),
        unknown=tuple(strangers({schema: applied})),
        tables_bytes=sizes,
        outbox=outbox,
        inbox=inbox,
        oldest_outbox_s=oldest_s,
    )


def _queues(connection: Link, schema: str) -> tuple[int, float | None, int]:
    query = sql.SQL(
        "select count(*), extract(epoch from now() - min(created_at))::float8, (select count(*) from {}) from {}"
    ).format(sql.Identifier(schema, "inbox"), sql.Identifier(schema, "outbox"))
    row: Any = connection.execute(query).fetchone()
    return row[0], row[1], row[2]


def lines_of(status: DatabaseStatus) -> list[str]:
    """Write it for people."""
    lines = [f"{status.database}  {status.server}  {_size(status.size_bytes)}"]
    for one in status.schemas:
        oldest = "" if one.oldest_outbox_s is None else f", the oldest waits {one.oldest_outbox_s:.0f} s"
        lines.append(f"{one.name}: {len(one.applied)} applied, {len(one.outstanding)} outstanding")
        lines += [f"  outstanding  {name}" for name in one.outstanding]
        lines += [f"  unknown here {name}" for name in one.unknown]
        lines.append(f"  outbox {one.outbox:,}{oldest}; inbox {one.inbox:,}")
        lines += [f"  {_size(size):>10}  {name}" for name, size in one.tables_bytes.items()]
    return lines


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} GB"
