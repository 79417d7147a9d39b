"""The server and its programs: one that is missing, too old, silent or locked is named, and its password is not."""

import shutil
from pathlib import Path

import pytest

from cli import postgres_tools
from cli.database_link import Database
from sandbox.stack.postgres import Cluster
from tests.cli.databases import fill
from tests.cli.test_bad_input import says_one_line, sinyal

pytestmark = pytest.mark.real


@pytest.fixture
def source(postgres: str) -> Database:
    fill(postgres)
    return Database(postgres, "--database-url")


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path, nobodys_port: int) -> None:
    url = f"postgresql://sinyal:s3cret@127.0.0.1:{nobodys_port}/sinyal"
    for verb in (["status"], ["backup", str(tmp_path / "day.dump")]):
        done = sinyal("db", *verb, SINYAL_DATABASE_URL=url)
        says_one_line(done, "SINYAL_DATABASE_URL", "refused")
        assert "s3cret" not in done.stderr + done.stdout


def test_a_wrong_password_is_told_and_not_shown(postgres_cluster: Cluster, source: Database, tmp_path: Path) -> None:
    rules = postgres_cluster.data / "pg_hba.conf"
    before = rules.read_text()
    with source.connect() as connection:
        connection.execute("drop role if exists locked")
        connection.execute("create role locked login password 'right'")
        try:
            rules.write_text("host all locked all scram-sha-256\n" + before)
            connection.execute("select pg_reload_conf()")
            url = source.url.replace("sinyal@", "locked:wr0ng@")
            done = sinyal("db", "backup", str(tmp_path / "day.dump"), SINYAL_DATABASE_URL=url)
        finally:
            rules.write_text(before)
            connection.execute("select pg_reload_conf()")
            connection.execute("drop role locked")

    says_one_line(done, "SINYAL_DATABASE_URL", "password authentication failed")
    assert "wr0ng" not in done.stderr


def test_the_password_is_no_argument_of_a_process() -> None:
    database = Database("postgresql://sinyal:s3cret@db/sinyal?sslmode=require", "X")

    assert "s3cret" not in database.without_secrets
    assert "sslmode=require" in database.without_secrets
    assert database.environment["PGPASSWORD"] == "s3cret"


def test_a_missing_pg_dump_names_the_package(source: Database, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = sinyal(
        *("db", "backup", str(tmp_path / "day.dump"), "--tools", str(tmp_path / "none")), SINYAL_DATABASE_URL=source.url
    )
    says_one_line(done, "pg_dump was not found", "postgresql-client-")


def test_a_pg_dump_that_is_older_than_the_server_is_not_tried(source: Database, tmp_path: Path) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)

    done = sinyal(
        *("db", "backup", str(tmp_path / "day.dump"), "--tools", str(tmp_path)), SINYAL_DATABASE_URL=source.url
    )

    says_one_line(done, "pg_dump 9 is older than PostgreSQL", "install Debian's postgresql-client-")


def test_of_the_installed_programs_the_oldest_that_is_new_enough_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for major in (14, 16, 18):
        program = tmp_path / str(major) / "bin" / "pg_dump"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {major}.3'\n")
        program.chmod(0o755)
    monkeypatch.setattr(postgres_tools, "SYSTEM", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    assert [postgres_tools.find_tool("pg_dump", major).major for major in (9, 15, 16, 17)] == [14, 16, 16, 18]
