"""`sinyal db`: the database's schemas."""

import asyncio
import json

import typer

from chassis.database import apply_migrations
from chassis.errors import StartError

database = typer.Typer(help="The database's schemas.")


@database.callback()
def group() -> None:
    """The database's schemas."""


@database.command()
def migrate(
    database_url: str = typer.Option("", envvar="SINYAL_DATABASE_URL", help="postgresql://user:password@host/name"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Bring every room's schema up to date; running it again changes nothing."""
    if not database_url:
        raise StartError("SINYAL_DATABASE_URL: not set, give postgresql://user:password@host/name")
    applied = asyncio.run(apply_migrations(database_url))
    print(json.dumps({"applied": applied}) if as_json else "\n".join(applied) or "up to date")
