"""The database that a verb works on: where it is, and one line for each way in which it cannot be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chassis.errors import StartError
from chassis.log import redact
from chassis.settings import find

VARIABLES = ("SINYAL_DATABASE_URL", "SINYAL_POSITIONS_DATABASE_URL", "SINYAL_TELEGRAM_DATABASE_URL")
CONNECT_S = 5
SECRETS = ("password", "sslpassword")

Link = Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Database:
    """A database by its URL, and the option or variable that named it."""

    url: str
    named_by: str

    @property
    def without_secrets(self) -> str:
        """The connection as a string that anybody may see: arguments of a process are shown to all users."""
        parts = {name: value for name, value in conninfo_to_dict(self.url).items() if name not in SECRETS}
        return make_conninfo("", **parts)

    @property
    def environment(self) -> dict[str, str]:
        """The password as libpq's programs read it, and messages in the language that is read here."""
        password = conninfo_to_dict(self.url).get("password")
        return {"LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})

    def called(self, name: str) -> "Database":
        """Tell of another database of the same server."""
        return Database(make_conninfo(self.url, dbname=name), self.named_by)

    @contextmanager
    def connect(self, *, autocommit: bool = True) -> Iterator[Link]:
        """Open a connection in UTC.

        Raises:
            StartError: it cannot be reached or does not let us in; says which, and shows no password.
        """
        try:
            connection = psycopg.connect(
                self.url, autocommit=autocommit, connect_timeout=CONNECT_S, options="-c timezone=UTC",
                application_name="sinyal-db",
            )  # fmt: skip
        except psycopg.OperationalError as e:
            raise StartError(f"{self.named_by}: {redact(self.url)}: {cause(e)}") from e
        except psycopg.ProgrammingError as e:
            raise StartError(f"{self.named_by}: is no address of a database: postgresql://user@host/name") from e
        with connection:
            yield connection


def find_database(url: str | None, option: Literal["--database-url", "--to"] = "--database-url") -> Database:
    """Take the URL that was given, else the first variable that has one.

    Raises:
        StartError: there is none.
    """
    if url:
        return Database(url, option)
    for name in VARIABLES:
        if found := find(name):
            return Database(found, name)
    raise StartError("SINYAL_DATABASE_URL: not set, give postgresql://user:password@host/name")


def cause(error: psycopg.Error) -> str:
    """Say in one line what a server or the way to it complains of."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "failed: " in line] or lines or [type(error).__name__]
    return redact(told[-1].rsplit("failed: ", 1)[-1].removeprefix("FATAL:").strip())
