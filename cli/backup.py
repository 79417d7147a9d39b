"""Write a backup: pg_dump on an exported snapshot, whole or not there at all.

The dump is written under a temporary name, forced to the disk, and renamed; its manifest follows in the same way. A
backup without a manifest was interrupted between the two and is refused by `restore`.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from psycopg import IsolationLevel

from chassis.database import SCHEMAS
from chassis.errors import StartError
from cli.backup_manifest import FORMAT, Contents, Manifest, contents_of, digest_of, manifest_path
from cli.database_link import Database, Link
from cli.postgres_tools import Tool, find_tool

PARTIAL = ".partial"


class Progress:
    """Tells how far a dump or a restore is, a line per table."""

    def __init__(self, rows: dict[str, int], tell: Callable[[str], None]) -> None:
        self._rows = rows
        self._tell = tell
        self._begun = 0

    def begin(self, table: str) -> None:
        """Learn that a table was begun."""
        self._begun += 1
        self._tell(f"{self._begun}/{len(self._rows)}  {table}  {self._rows.get(table, 0):,} rows")


def back_up(database: Database, file: Path, tell: Callable[[str], None], tools: Path | None = None) -> Manifest:
    """Write `file` and its manifest from one moment of the database; others go on writing meanwhile.

    Raises:
        StartError: nothing was written; says why in one line.
    """
    _refuse_to_replace(file)
    with _removed_on_failure(file) as partial, database.connect(autocommit=False) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        schemas = present(connection)
        if not schemas:
            raise StartError(f"{database.named_by}: the database has no schema of ours: nothing to back up")
        major = connection.info.server_version // 10_000
        tool = find_tool("pg_dump", major, tools)
        contents = contents_of(connection, schemas)
        _dump(tool, database, connection, partial, contents, tell)
        manifest = Manifest(
            format=FORMAT, made_at=datetime.now(UTC), sinyal=_own_version(), database=connection.info.dbname,
            server_major=major, dump_major=tool.major, sha256=digest_of(partial), size_bytes=partial.stat().st_size,
            contents=contents,
        )  # fmt: skip
        _settle(partial, file)
    with _removed_on_failure(manifest_path(file)) as partial:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
        _settle(partial, manifest_path(file))
    return manifest


def present(connection: Link) -> list[str]:
    """List those of our schemas that the database has."""
    rows = connection.execute("select nspname from pg_namespace where nspname = any(%s)", [list(SCHEMAS)]).fetchall()
    return [schema for schema in SCHEMAS if (schema,) in rows]


def _dump(
    tool: Tool, database: Database, connection: Link, partial: Path, contents: Contents, tell: Callable[[str], None]
) -> None:
    """Dump what the transaction of `connection` sees: it must stay open until the dump is done."""
    exported = connection.execute("select pg_export_snapshot()").fetchone()
    assert exported is not None
    schemas = [f"--schema={schema}" for schema in contents.migrations]
    arguments = ("--format=custom", f"--file={partial}", f"--snapshot={exported[0]}", "--lock-wait-timeout=30s")
    tool.run([*arguments, *schemas], database, Progress(contents.rows, tell).begin)


def _refuse_to_replace(file: Path) -> None:
    for path in (file, manifest_path(file)):
        if path.exists():
            raise StartError(f"{path}: exists already, a backup replaces nothing: choose another name")
    if not file.parent.is_dir():
        raise StartError(f"{file}: the folder {file.parent} does not exist")


@contextmanager
def _removed_on_failure(file: Path) -> Iterator[Path]:
    """Lend a temporary name that only its owner may read; whatever happens, nothing is left of it."""
    partial = file.with_name(file.name + PARTIAL)
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        yield partial
    except OSError as e:
        reason = "the disk is full" if e.errno in (errno.ENOSPC, errno.EDQUOT) else e.strerror
        raise StartError(f"{file}: cannot be written ({reason})") from e
    except StartError as e:
        if "No space left" in str(e):
            raise StartError(f"{file}: cannot be written (the disk is full)") from e
        raise
    finally:
        partial.unlink(missing_ok=True)


def _settle(partial: Path, file: Path) -> None:
    """Force a file to the disk and give it its name, so that the name never means half of it."""
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.rename(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _own_version() -> str:
    try:
        return version("sinyal")
    except PackageNotFoundError:
        return "unknown"
