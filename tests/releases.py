"""What a release says to the database, kept so that later schemas can be asked whether they still understand it.

`record` listens to a room that lives a whole life; `write` keeps its statements with their values in a file named by
the last migration the release knew; `replay` says them again, in their order, to a schema that may be newer. Each must
give as many rows, of the same types, as it gave on its own schema: that is what old code meets in a roll-out.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncCursor, ClientCursor

SPOKEN = ("select", "insert", "update", "delete", "with")
ROOT = Path(__file__).parent
_HEAD = re.compile(r"^-- => (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One statement with its values in it, and what it gave: `3 rows`, `3 rows of text int8`."""

    text: str
    gave: str


def folder_of(schema: str) -> Path:
    """Tell where the releases of a room are kept."""
    return ROOT / schema / "releases"


@contextmanager
def record(url: str) -> Iterator[list[str]]:
    """Hear every statement of this process as long as the block runs, each with its values written in."""
    heard: list[str] = []
    execute = AsyncCursor.execute
    with psycopg.connect(url) as connection:
        writer = ClientCursor(connection)

        async def listen(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
            done = await execute(cursor, query, params, **options)
            plain = query.as_string(None) if isinstance(query, psycopg.sql.Composable) else query
            text = writer.mogrify(plain, params).strip()
            if text.lower().startswith(SPOKEN):
                heard.append(text)
            return done

        AsyncCursor.execute = listen  # type: ignore[method-assign]
        try:
            yield heard
        finally:
            AsyncCursor.execute = execute  # type: ignore[method-assign]


def replay(url: str, schema: str, statements: Sequence[str]) -> list[Statement]:
    """Say statements one after the other, and note what each gives."""
    given = []
    with psycopg.connect(url, autocommit=True, options=f"-c search_path={schema} -c timezone=UTC") as connection:
        for text in statements:
            cursor = connection.execute(text.encode())
            types = [connection.adapters.types.get(one.type_code) for one in cursor.description or ()]
            names = " ".join(one.name if one else "?" for one in types)
            given.append(Statement(text, f"{cursor.rowcount} rows" + (f" of {names}" if names else "")))
    return given


def write(file: Path, statements: Sequence[Statement], about: str) -> None:
    """Keep statements in a file."""
    file.write_text(f"-- {about}\n" + "".join(f"\n-- => {one.gave}\n{one.text}\n" for one in statements))


def read(file: Path) -> list[Statement]:
    """Read what was kept."""
    _, *parts = _HEAD.split(file.read_text())
    return [Statement(text.strip(), gave) for gave, text in zip(parts[::2], parts[1::2], strict=True)]


def shape(statement: str) -> str:
    """Leave out the values: two statements of one shape are the same words of the release."""
    return re.sub(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|::\w+", "", " ".join(statement.split()))
