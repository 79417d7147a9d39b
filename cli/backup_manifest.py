"""What a backup says of itself, in a file beside it: enough to tell whether a copy is whole.

The counts are taken in the snapshot that pg_dump reads, so they are those of the dump whatever is written meanwhile.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from psycopg import sql

from chassis.database import find_migrations
from chassis.errors import StartError
from cli.database_link import Link

FORMAT = 1
SUFFIX = ".manifest.json"
CHUNK_BYTES = 1 << 20

_TABLES = """
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%s) and c.relkind in ('r', 'p') order by 1, 2
"""
_OBJECTS = """
    select 'constraints', count(*) from pg_constraint where connamespace::regnamespace::text = any(%(schemas)s)
        and contype in ('c', 'f', 'p', 'u', 'x')
    union all
    select 'indexes', count(*) from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relnamespace::regnamespace::text = any(%(schemas)s)
    union all
    select 'triggers', count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.relnamespace::regnamespace::text = any(%(schemas)s) and not t.tgisinternal
    union all
    select 'functions', count(*) from pg_proc where pronamespace::regnamespace::text = any(%(schemas)s)
    union all
    select 'policies', count(*) from pg_policies where schemaname = any(%(schemas)s)
"""
_ROLES = """
    select distinct r.rolname from pg_roles r join (
        select a.grantee as oid from pg_class c cross join aclexplode(c.relacl) a
            where c.relnamespace::regnamespace::text = any(%(schemas)s) and a.grantee <> c.relowner
        union select a.grantee from pg_namespace n cross join aclexplode(n.nspacl) a
            where n.nspname = any(%(schemas)s) and a.grantee <> n.nspowner
        union select unnest(p.polroles) from pg_policy p join pg_class c on c.oid = p.polrelid
            where c.relnamespace::regnamespace::text = any(%(schemas)s)
    ) named on named.oid = r.oid order by 1
"""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What the schemas hold, as one transaction sees them.

    `rows` by `schema.table`; `migrations` by schema, as name and digest; `objects` counts constraints, indexes,
    triggers and so on; `roles` are those that privileges and policies name.
    """

    migrations: dict[str, dict[str, str]]
    rows: dict[str, int]
    objects: dict[str, int]
    roles: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The file beside a backup."""

    format: int
    made_at: datetime
    sinyal: str
    database: str
    server_major: int
    dump_major: int
    sha256: str
    size_bytes: int
    contents: Contents


def contents_of(connection: Link, schemas: Sequence[str]) -> Contents:
    """Look at everything in the transaction of `connection`."""
    values = {"schemas": list(schemas)}
    tables = [tuple(map(str, row)) for row in connection.execute(_TABLES, [list(schemas)]).fetchall()]
    return Contents(
        migrations={schema: applied_in(connection, schema) for schema in schemas},
        rows={f"{schema}.{table}": _count(connection, schema, table) for schema, table in tables},
        objects=dict(connection.execute(_OBJECTS, values).fetchall()),
        roles=tuple(row[0] for row in connection.execute(_ROLES, values).fetchall()),
    )


def applied_in(connection: Link, schema: str) -> dict[str, str]:
    """List the migrations that were applied to a schema, with their digests; none where it is not there."""
    found = connection.execute("select to_regclass(%s) is not null", [f"{schema}.migration"]).fetchone()
    if found is None or not found[0]:
        return {}
    query = sql.SQL("select name, digest from {} order by applied_at, name").format(sql.Identifier(schema, "migration"))
    return dict(connection.execute(query).fetchall())


def strangers(applied: Mapping[str, Mapping[str, str]]) -> list[str]:
    """List applied migrations that this version of Sinyal does not know, or knows otherwise."""
    known = {(schema, one.name, one.digest) for schema in applied for one in find_migrations(schema)}
    return [
        f"{schema}: {name}"
        for schema, names in applied.items()
        for name, digest in names.items()
        if (schema, name, digest) not in known
    ]


def digest_of(path: Path) -> str:
    """Compute the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def manifest_path(file: Path) -> Path:
    """Tell where the manifest of a backup lies."""
    return file.with_name(file.name + SUFFIX)


def read_manifest(file: Path) -> Manifest:
    """Read the manifest of a backup and hold the backup against it.

    Raises:
        StartError: one of them is missing, damaged, or of a format that is not known here.
    """
    beside = manifest_path(file)
    if not file.is_file():
        raise StartError(f"{file}: there is no such backup")
    try:
        manifest = msgspec.json.decode(beside.read_bytes(), type=Manifest)
    except FileNotFoundError as e:
        raise StartError(f"{beside}: is missing, without it the backup cannot be held against anything") from e
    except msgspec.MsgspecError as e:
        raise StartError(f"{beside}: is damaged ({e})") from e
    if manifest.format != FORMAT:
        raise StartError(f"{beside}: is of format {manifest.format}, this Sinyal reads {FORMAT}")
    size, digest = file.stat().st_size, digest_of(file)
    if (size, digest) != (manifest.size_bytes, manifest.sha256):
        raise StartError(f"{file}: is damaged, {size} bytes with another checksum than its manifest says")
    return manifest


def _count(connection: Link, schema: str, table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
