"""`sinyal db`: the database's schemas."""

import asyncio
import json

import typer

from chassis.database import apply_migrations
from chassis.errors import StartError
from chassis.settings import find

VARIABLES = ("SINYAL_DATABASE_URL", "SINYAL_POSITIONS_DATABASE_URL", "SINYAL_TELEGRAM_DATABASE_URL")

database = typer.Typer(add_completion=False, help="The database's schemas.")


@database.callback()
def group() -> None:
    """The database's schemas."""


@database.command()
def migrate(
    database_url: str | None = typer.Option(
        None, help="postgresql://user:password@host/name; without it SINYAL_DATABASE_URL."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Bring every room's schema up to date; running it again changes nothing.

    The variable may stand in the environment or in `.env`.
    """
    url = database_url or find(*VARIABLES)
    if not url:
        raise StartError("SINYAL_DATABASE_URL: not set, give postgresql://user:password@host/name")
    applied = asyncio.run(apply_migrations(url))
    print(json.dumps({"applied": applied}) if as_json else "\n".join(applied) or "up to date")
