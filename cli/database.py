"""`sinyal db`: the database's schemas, and their backups."""

import asyncio
import json
import sys
from pathlib import Path

import msgspec
import typer

from chassis.database import apply_migrations
from cli import restore as restoring
from cli.backup import back_up
from cli.backup_manifest import Contents, manifest_path
from cli.database_link import find_database
from cli.database_status import lines_of, status_of

database = typer.Typer(add_completion=False, help="The database's schemas, and their backups.")

URL = typer.Option(None, help="postgresql://user:password@host/name; without it SINYAL_DATABASE_URL.")
JSON = typer.Option(False, "--json", help="Print JSON.")
TOOLS = typer.Option(None, help="Folder of pg_dump and pg_restore; without it the system's are looked for.")


@database.callback()
def group() -> None:
    """The database's schemas, and their backups."""


@database.command()
def migrate(database_url: str | None = URL, as_json: bool = JSON) -> None:
    """Bring every room's schema up to date; running it again changes nothing.

    The variable may stand in the environment or in `.env`.
    """
    applied = asyncio.run(apply_migrations(find_database(database_url).url))
    print(json.dumps({"applied": applied}) if as_json else "\n".join(applied) or "up to date")


@database.command()
def status(database_url: str | None = URL, as_json: bool = JSON) -> None:
    """Tell what is applied and what is outstanding, how large each table is, and what waits to be published."""
    found = status_of(find_database(database_url))
    if as_json:
        document = msgspec.to_builtins(found) | {"is_up_to_date": found.is_up_to_date}
        print(json.dumps(document))
        return
    print("\n".join(lines_of(found)))


@database.command()
def backup(
    file: Path = typer.Argument(help="Where to write it; its manifest is written beside it."),
    database_url: str | None = URL,
    tools: Path | None = TOOLS,
    as_json: bool = JSON,
) -> None:
    """Write a backup of one moment while everything goes on, with a manifest that a restore is held against."""
    manifest = back_up(find_database(database_url), file, _tell, tools)
    if as_json:
        print(msgspec.json.encode(manifest).decode())
        return
    rows = sum(manifest.contents.rows.values())
    print(f"{file}: {manifest.size_bytes:,} bytes, {rows:,} rows; {manifest_path(file).name} beside it")


@database.command()
def restore(
    file: Path = typer.Argument(help="A backup that has its manifest beside it."),
    to: str | None = typer.Option(None, help="URL of an empty database; without it SINYAL_DATABASE_URL."),
    is_check: bool = typer.Option(False, "--check", help="Restore into a database made for this, check it, drop it."),
    tools: Path | None = TOOLS,
    as_json: bool = JSON,
) -> None:
    """Restore a backup into an empty database, and hold the copy against its manifest. Then: `sinyal db migrate`."""
    work = restoring.check if is_check else restoring.restore
    contents = work(find_database(to, "--to"), file, _tell, tools)
    if as_json:
        print(msgspec.json.encode(contents).decode())
        return
    print(f"{file}: {_sound(contents)}" + ("; the copy is dropped" if is_check else ""))


def _sound(contents: Contents) -> str:
    waiting = sum(count for table, count in contents.rows.items() if table.endswith(".outbox"))
    told = f"; {waiting} messages wait in the outbox and will be published" if waiting else ""
    return f"sound, {sum(contents.rows.values()):,} rows in {len(contents.rows)} tables as the manifest says{told}"


def _tell(line: str) -> None:
    """Tell how far it is, beside the result."""
    sys.stderr.write(line + "\n")
