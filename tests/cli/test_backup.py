"""`sinyal db status|backup|restore`: a copy that is whole, or one line that says why there is none."""

import json
import shlex
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from chassis import database as migrations
from chassis.database import SCHEMAS, apply_migrations, find_migrations
from chassis.errors import StartError
from cli import restore
from cli.backup import back_up
from cli.backup_manifest import Manifest, digest_of, manifest_path, read_manifest
from cli.database_link import Database
from cli.database_status import status_of
from sandbox.stack.postgres import Cluster
from tests.cli.databases import PEOPLE, databases, dump_of, empty_database, fill
from tests.cli.test_bad_input import ROOT, says_one_line, sinyal

pytestmark = pytest.mark.real


@pytest.fixture
def source(postgres: str) -> Database:
    fill(postgres)
    return Database(postgres, "--database-url")


@pytest.fixture
def saved(source: Database, tmp_path: Path) -> Path:
    back_up(source, tmp_path / "day.dump", _unheard)
    return tmp_path / "day.dump"


@pytest.fixture
def empty(postgres_cluster: Cluster) -> Iterator[Database]:
    with empty_database(postgres_cluster) as url:
        yield Database(url, "--to")


def _unheard(_line: str) -> None:
    """Progress that this test does not look at."""


def _changed(file: Path, **changes: object) -> None:
    """Write other words into a manifest."""
    manifest = msgspec.structs.replace(read_manifest(file), **changes)
    manifest_path(file).write_bytes(msgspec.json.encode(manifest))


def test_status_tells_what_is_applied_how_large_it_is_and_what_waits(source: Database) -> None:
    told = json.loads(sinyal("db", "status", "--json", SINYAL_DATABASE_URL=source.url).stdout)

    positions = told["schemas"][0]
    assert (told["is_up_to_date"], positions["outstanding"], positions["unknown"]) == (True, [], [])
    assert (positions["outbox"], positions["inbox"]) == (7, 11)
    assert positions["oldest_outbox_s"] >= 90
    assert positions["tables_bytes"]["position"] > 8192
    assert "outbox 7, the oldest waits" in sinyal("db", "status", SINYAL_DATABASE_URL=source.url).stdout


def test_status_of_an_empty_database_names_what_is_outstanding_and_changes_nothing(empty: Database) -> None:
    told = json.loads(sinyal("db", "status", "--json", "--database-url", empty.url).stdout)

    assert told["is_up_to_date"] is False
    assert told["schemas"][0]["outstanding"][0] == "chassis/0001_outbox_inbox.sql"
    with empty.connect() as connection:
        made = connection.execute("select nspname from pg_namespace where nspname = any(%s)", [list(SCHEMAS)])
        assert made.fetchall() == []


def test_a_backup_comes_back_row_for_row(source: Database, empty: Database, tmp_path: Path) -> None:
    file = tmp_path / "day.dump"

    made = sinyal("db", "backup", str(file), "--json", SINYAL_DATABASE_URL=source.url)
    back = sinyal("db", "restore", str(file), "--to", empty.url)

    assert (made.returncode, back.returncode) == (0, 0), made.stderr + back.stderr
    assert msgspec.json.decode(made.stdout, type=Manifest) == read_manifest(file)
    assert "sound" in back.stdout
    for table in ("subscriber", "signal", "position", "position_event", "inbox", "migration"):
        assert dump_of(empty.url, f"positions.{table}") == dump_of(source.url, f"positions.{table}")
    assert len(dump_of(empty.url, "positions.subscriber")) == PEOPLE


def test_progress_names_each_table_and_how_many_there_are(source: Database, tmp_path: Path) -> None:
    heard: list[str] = []
    made = back_up(source, tmp_path / "day.dump", heard.append)

    count = len(made.contents.rows)
    assert [line.split()[0] for line in heard] == [f"{n}/{count}" for n in range(1, count + 1)]
    assert any(line.endswith(f"positions.position  {PEOPLE} rows") for line in heard)


def test_the_counts_are_those_of_the_dump_whatever_is_written_meanwhile(
    source: Database, empty: Database, tmp_path: Path
) -> None:
    stop, begun, written = threading.Event(), threading.Event(), [0]

    def write() -> None:
        with psycopg.connect(source.url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("insert into positions.inbox values ('busy', %s)", [str(written[0])])
                written[0] += 1
                begun.set()
            connection.execute("insert into positions.inbox values ('busy', 'afterwards')")
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(60)
    try:
        made = back_up(source, tmp_path / "day.dump", _unheard)
    finally:
        stop.set()
        writer.join()
    contents = restore.restore(empty, tmp_path / "day.dump", _unheard)

    assert 11 < made.contents.rows["positions.inbox"] < 11 + written[0]
    assert contents.rows == made.contents.rows


def test_messages_that_wait_are_published_on_another_server_too(saved: Path, empty: Database) -> None:
    """The relay takes rows of transactions that have ended, as this server counts them."""
    restore.restore(empty, saved, _unheard)

    with empty.connect() as connection:
        taken = connection.execute(
            "select count(*) from positions.outbox where xid < pg_snapshot_xmin(pg_current_snapshot())"
        ).fetchone()
    assert taken == (7,)


def test_check_restores_into_a_database_of_its_own_and_drops_it(
    saved: Path, source: Database, postgres_cluster: Cluster
) -> None:
    before = databases(postgres_cluster)

    done = sinyal("db", "restore", str(saved), "--check", SINYAL_DATABASE_URL=source.url)

    assert (done.returncode, "sound" in done.stdout) == (0, True), done.stderr
    assert {name for name in databases(postgres_cluster) - before if name.startswith(restore.SCRATCH)} == set()


def test_a_check_that_fails_drops_its_database_too(saved: Path, source: Database, postgres_cluster: Cluster) -> None:
    contents = read_manifest(saved).contents
    rows = contents.rows | {"positions.subscriber": PEOPLE + 1}
    _changed(saved, contents=msgspec.structs.replace(contents, rows=rows))

    with pytest.raises(StartError, match=r"positions\.subscriber has 40 rows, not 41"):
        restore.check(source, saved, _unheard)

    assert not [name for name in databases(postgres_cluster) if name.startswith(restore.SCRATCH)]


def test_a_copy_that_lacks_a_constraint_is_told(saved: Path, empty: Database) -> None:
    contents = read_manifest(saved).contents
    objects = contents.objects | {"constraints": contents.objects["constraints"] + 1}
    _changed(saved, contents=msgspec.structs.replace(contents, objects=objects))

    with pytest.raises(StartError, match="constraints, not"):
        restore.restore(empty, saved, _unheard)


def test_a_database_that_holds_anything_is_not_restored_into(saved: Path, source: Database, empty: Database) -> None:
    with empty.connect() as connection:
        connection.execute("create table public.mine (n int)")

    full = sinyal("db", "restore", str(saved), "--to", empty.url)
    same = sinyal("db", "restore", str(saved), SINYAL_DATABASE_URL=source.url)

    says_one_line(full, "--to", "public.mine", "not empty")
    says_one_line(same, "SINYAL_DATABASE_URL", "not empty", "--to URL")


def test_a_restore_that_fails_leaves_the_database_empty(saved: Path, empty: Database) -> None:
    """The dump is cut in the middle, and its manifest made to fit."""
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size * 9 // 10])
    _resigned(saved)

    with pytest.raises(StartError, match="pg_restore"):
        restore.restore(empty, saved, _unheard)

    with empty.connect() as connection:
        assert connection.execute("select to_regnamespace('positions') is null").fetchone() == (True,)


def _resigned(file: Path) -> None:
    manifest = msgspec.json.decode(manifest_path(file).read_bytes(), type=Manifest)
    fitting = msgspec.structs.replace(manifest, sha256=digest_of(file), size_bytes=file.stat().st_size)
    manifest_path(file).write_bytes(msgspec.json.encode(fitting))


def test_a_damaged_backup_is_refused_before_anything_is_touched(saved: Path, empty: Database) -> None:
    damaged = bytearray(saved.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    saved.write_bytes(damaged)

    says_one_line(sinyal("db", "restore", str(saved), "--to", empty.url), str(saved), "damaged", "checksum")


def test_a_backup_without_its_manifest_or_of_another_format_is_refused(saved: Path, empty: Database) -> None:
    _changed(saved, format=99)
    says_one_line(sinyal("db", "restore", str(saved), "--to", empty.url), "format 99")
    manifest_path(saved).unlink()
    says_one_line(sinyal("db", "restore", str(saved), "--to", empty.url), manifest_path(saved).name, "missing")
    says_one_line(sinyal("db", "restore", str(saved) + "x", "--to", empty.url), "no such backup")


def test_a_backup_of_a_newer_sinyal_is_refused(saved: Path, empty: Database) -> None:
    contents = read_manifest(saved).contents
    newer = contents.migrations["positions"] | {"adapters/9999_future.sql": "0" * 64}
    _changed(saved, contents=msgspec.structs.replace(contents, migrations=contents.migrations | {"positions": newer}))

    says_one_line(sinyal("db", "restore", str(saved), "--to", empty.url), "9999_future", "update")


def test_a_backup_replaces_nothing(saved: Path, source: Database) -> None:
    before = saved.read_bytes()

    says_one_line(sinyal("db", "backup", str(saved), SINYAL_DATABASE_URL=source.url), str(saved), "exists already")

    assert saved.read_bytes() == before


def test_a_backup_that_fails_leaves_no_file(empty: Database, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no schema of ours"):
        back_up(empty, tmp_path / "day.dump", _unheard)

    assert list(tmp_path.iterdir()) == []


def test_only_its_owner_may_read_a_backup(saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in saved.parent.iterdir()) == [saved.name, manifest_path(saved).name]


def test_a_full_disk_is_named_and_nothing_is_left_on_it(source: Database, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(small)), capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk must be mounted, which takes root")
    with source.connect() as connection:
        connection.execute("insert into positions.inbox select 'c', md5(random()::text) from generate_series(1, 20000)")
    try:
        done = sinyal("db", "backup", str(small / "day.dump"), SINYAL_DATABASE_URL=source.url)
        left = list(small.iterdir())
    finally:
        subprocess.run(("umount", str(small)), check=True)

    assert (done.returncode, left) == (2, [])
    assert done.stderr.strip().splitlines()[-1].endswith("day.dump: cannot be written (the disk is full)")


def test_a_server_older_than_the_backups_is_refused(saved: Path, empty: Database) -> None:
    _changed(saved, server_major=99)

    with pytest.raises(StartError, match="the backup is of 99"):
        restore.restore(empty, saved, _unheard)


def test_a_role_that_the_server_does_not_know_is_made(source: Database, empty: Database, tmp_path: Path) -> None:
    with source.connect() as connection:
        connection.execute("create role looker_on nologin")
        connection.execute("grant select on positions.signal to looker_on")
        try:
            back_up(source, tmp_path / "day.dump", _unheard)
        finally:
            connection.execute("drop owned by looker_on")
            connection.execute("drop role looker_on")

        restore.restore(empty, tmp_path / "day.dump", _unheard)

        with empty.connect() as there:
            can = there.execute("select has_table_privilege('looker_on', 'positions.signal', 'select')").fetchone()
            there.execute("drop owned by looker_on")
        connection.execute("drop role looker_on")
    assert can == (True,)


async def test_an_old_backup_is_migrated_on_by_newer_code(
    postgres_cluster: Cluster, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with empty_database(postgres_cluster) as old:
        with monkeypatch.context() as earlier:
            earlier.setattr(migrations, "find_migrations", lambda schema: find_migrations(schema)[:2])
            await apply_migrations(old)
        back_up(Database(old, "X"), tmp_path / "old.dump", _unheard)
    restore.restore(empty, tmp_path / "old.dump", _unheard)
    outstanding = [f"{schema}: {one.name}" for schema in SCHEMAS for one in find_migrations(schema)[2:]]

    applied = await apply_migrations(empty.url)

    assert applied == outstanding
    assert "positions: adapters/0003_plans.sql" in applied
    assert status_of(empty).is_up_to_date


def test_the_commands_of_the_runbook_do_what_it_says(source: Database, empty: Database, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "runbook.md").read_text().partition("## Back up, and come back")[2]
    block = page.partition("```sh\n")[2].partition("```")[0]
    commands = [shlex.split(line, comments=True)[1:] for line in block.splitlines()]

    for command in commands:
        there = [empty.url if word.endswith("/comeback") else word for word in command]
        done = sinyal(*there, cwd=tmp_path, SINYAL_DATABASE_URL=source.url)
        assert done.returncode == 0, (command, done.stderr)

    assert [command[1] for command in commands] == ["status", "backup", "restore", "restore", "migrate"]
    assert status_of(empty).is_up_to_date


def test_readers_of_the_restored_copy_see_their_own_rows_too(saved: Path, empty: Database) -> None:
    """Policies and privileges come back with the tables; the role is the server's."""
    restore.restore(empty, saved, _unheard)

    with empty.connect(autocommit=False) as connection:
        connection.execute("set local role sinyal_reader")
        connection.execute("set local sinyal.subscriber_id = '7'")
        seen = connection.execute("select subscriber_id from positions.position").fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select from positions.outbox")
    assert seen == [(7,)]
