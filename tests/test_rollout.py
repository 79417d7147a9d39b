"""Old copies run on the new schema: in a roll-out both serve side by side, and a step back finds what it knows.

What earlier releases say was recorded on their own schema (`tests/record_release.py`); here it is said to that of now.
"""

from pathlib import Path

import psycopg
import pytest

from chassis.database import SCHEMAS, find_migrations
from tests.releases import folder_of, read, replay
from tests.servers import postgres, postgres_cluster

__all__ = ["postgres", "postgres_cluster"]

RELEASES = [(schema, file) for schema in SCHEMAS for file in sorted(folder_of(schema).glob("[0-9]*.sql"))]
COLUMNS = """
    select table_name, column_name, data_type, is_nullable = 'YES' or column_default is not null or is_identity = 'YES'
    from information_schema.columns where table_schema = %s
"""


def named(release: object) -> str:
    return release.stem if isinstance(release, Path) else str(release)


@pytest.mark.parametrize(("schema", "release"), RELEASES, ids=named)
def test_what_an_earlier_release_says_is_understood_by_the_schema_of_now(
    postgres: str, schema: str, release: Path
) -> None:
    was = read(release)

    given = replay(postgres, schema, [one.text for one in was])

    assert len(was) > 10
    assert [one for one, then in zip(given, was, strict=True) if one.gave != then.gave] == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_release_of_each_room_is_kept(schema: str) -> None:
    """Without one, nothing above would have been asked."""
    known = {Path(one.name).name[:4] for one in find_migrations(schema) if "adapters" in one.name}
    kept = {release.stem for of, release in RELEASES if of == schema}

    assert kept
    assert kept <= known


@pytest.mark.parametrize(
    "change",
    [
        "alter table positions.position rename column pnl to profit",
        "alter table positions.refusal add column weight int not null",
        "alter table positions.refusal alter column market_ms type numeric",
        "alter table positions.signal add check (entry < 100)",
    ],
)
def test_a_change_that_earlier_releases_do_not_understand_is_found(postgres: str, change: str) -> None:
    was = read(folder_of("positions") / "0003.sql")
    with psycopg.connect(postgres) as connection:
        connection.execute(change.encode())

    try:
        given = replay(postgres, "positions", [one.text for one in was])
    except psycopg.Error:
        return
    assert given != was


Columns = dict[tuple[str, str], tuple[str, bool]]


def columns(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> Columns:
    """Read the type of each column, and whether a row may be written without it."""
    rows = connection.execute(COLUMNS, [schema]).fetchall()
    return {(str(row[0]), str(row[1])): (str(row[2]), bool(row[3])) for row in rows}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_each_migration_only_adds_and_what_it_adds_has_a_default(postgres: str, schema: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("create schema growing")
        connection.execute("set search_path to growing")
        before: Columns = {}
        for migration in find_migrations(schema):
            connection.execute(migration.text.encode())
            now = columns(connection, "growing")
            assert {name: now.get(name, ("", False))[0] for name in before} == {
                n: kind for n, (kind, _) in before.items()
            }
            known = {table for table, _ in before}
            unset = [name for name, (_, is_optional) in now.items() if name not in before and not is_optional]
            assert [name for name in unset if name[0] in known] == [], migration.name
            before = now
