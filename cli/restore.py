"""Bring a backup back into an empty database, and hold the copy against its manifest.

The restore is one transaction: whatever fails leaves the database as empty as it was.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from chassis.database import MIGRATION_LOCK
from chassis.errors import StartError
from cli.backup import Progress
from cli.backup_manifest import Contents, Manifest, contents_of, read_manifest, strangers
from cli.database_link import Database, Link, cause
from cli.postgres_tools import find_tool

SCRATCH = "sinyal_check_"

_TENANTS = """
    select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%%'
        and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
        and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    union all select nspname from pg_namespace where nspname = any(%s)
    order by 1 limit 1
"""
_UNSOUND = """
    select conrelid::regclass || ': constraint ' || conname || ' is not validated' from pg_constraint
        where connamespace::regnamespace::text = any(%(schemas)s) and not convalidated
    union all
    select indrelid::regclass || ': index ' || indexrelid::regclass || ' is not valid' from pg_index i
        join pg_class c on c.oid = i.indrelid
        where c.relnamespace::regnamespace::text = any(%(schemas)s) and not (i.indisvalid and i.indisready)
"""


def restore(database: Database, file: Path, tell: Callable[[str], None], tools: Path | None = None) -> Contents:
    """Restore `file` into an empty database and check the copy; returns what it holds.

    Raises:
        StartError: the backup is damaged or unknown, the database is not empty, or the copy differs; says which.
    """
    manifest = _readable(file)
    with database.connect() as connection:
        connection.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])  # a migration that is begun now waits
        _require_room(connection, database, manifest)
        _require_roles(connection, manifest)
        tool = find_tool("pg_restore", max(manifest.dump_major, manifest.server_major), tools)
        arguments = ["--single-transaction", "--no-owner", "--exit-on-error", str(file)]
        tool.run(arguments, database, Progress(manifest.contents.rows, tell).begin)
        _settle(connection, manifest)
        return _checked(connection, file, manifest)


def check(database: Database, file: Path, tell: Callable[[str], None], tools: Path | None = None) -> Contents:
    """Restore `file` into a database of its own on the same server, check it there, and drop it."""
    _readable(file)
    with _scratch(database) as scratch:
        return restore(scratch, file, tell, tools)


def _readable(file: Path) -> Manifest:
    """Read the manifest, and refuse what this version of Sinyal would not understand once it is restored."""
    manifest = read_manifest(file)
    unknown = strangers(manifest.contents.migrations)
    if unknown:
        raise StartError(f"{file}: holds a migration that this Sinyal does not know ({unknown[0]}): update it first")
    return manifest


@contextmanager
def _scratch(database: Database) -> Iterator[Database]:
    name = SCRATCH + secrets.token_hex(6)
    with database.connect() as connection:
        try:
            connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        except psycopg.Error as e:
            raise StartError(f"{database.named_by}: no database could be made for the check: {cause(e)}") from e
        try:
            yield database.called(name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _require_room(connection: Link, database: Database, manifest: Manifest) -> None:
    major = connection.info.server_version // 10_000
    if major < manifest.server_major:
        raise StartError(
            f"{database.named_by}: is PostgreSQL {major}, the backup is of {manifest.server_major}: restore it there"
        )
    tenant = connection.execute(_TENANTS, [list(manifest.contents.migrations)]).fetchone()
    if tenant is not None:
        raise StartError(
            f"{database.named_by}: the database {connection.info.dbname} is not empty (it has {tenant[0]}):"
            f" create another and name it with --to URL"
        )


def _require_roles(connection: Link, manifest: Manifest) -> None:
    """Make sure of the roles that privileges and policies name: they belong to the server, not to the dump."""
    for role in manifest.contents.roles:
        if connection.execute("select from pg_roles where rolname = %s", [role]).fetchone() is not None:
            continue
        try:
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        except psycopg.errors.DuplicateObject:  # somebody else just did
            continue
        except psycopg.errors.InsufficientPrivilege as e:
            cure = f'have an administrator run: create role "{role}" nologin'
            raise StartError(f"the role {role} is missing and we may not create it: {cure}") from e


def _settle(connection: Link, manifest: Manifest) -> None:
    """Make the copy live on this server.

    The relay takes rows of the outbox whose transaction ended: the ids of another server's transactions may lie far in
    this one's future, and their messages would wait for years.
    """
    for schema in manifest.contents.migrations:
        if f"{schema}.outbox" in manifest.contents.rows:
            connection.execute(sql.SQL("update {} set xid = default").format(sql.Identifier(schema, "outbox")))
    connection.execute("analyze")


def _checked(connection: Link, file: Path, manifest: Manifest) -> Contents:
    """Hold the copy against the manifest, table by table."""
    schemas = list(manifest.contents.migrations)
    found, wanted = contents_of(connection, schemas), manifest.contents
    differences = [
        f"{name} has {found.rows.get(name, 0)} rows, not {count}"
        for name, count in wanted.rows.items()
        if found.rows.get(name) != count
    ]
    differences += [
        f"{found.objects.get(name)} {name}, not {count}"
        for name, count in wanted.objects.items()
        if found.objects.get(name) != count
    ]
    differences += ["its migrations are others"] * (found.migrations != wanted.migrations)
    differences += [row[0] for row in connection.execute(_UNSOUND, {"schemas": schemas}).fetchall()]
    if differences:
        raise StartError(f"{file}: the restored copy differs, do not use it: {'; '.join(differences)}")
    return found
