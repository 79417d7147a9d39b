"""A real PostgreSQL for tests: one cluster per session, one migrated database per test."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from chassis.database import apply_migrations
from sandbox.stack.postgres import Cluster, find_cluster
from sandbox.stack.process import die_with_parent

TEMPLATE = "sinyal_template"


def free_port() -> int:
    """Take a port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_until_up(cluster: Cluster, process: "subprocess.Popen[bytes]") -> None:
    """Connect until it works; fails with the server's exit code when it ended."""
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(cluster.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert process.poll() is None, f"postgres ended with {process.returncode}"
            assert time.monotonic() < deadline, "postgres did not come up"
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a cluster without durability, on a free port, gone at the end; `TEMPLATE` is migrated."""
    folder = Path(tempfile.mkdtemp(prefix="sinyal-pg-"))
    folder.chmod(0o711)
    cluster = find_cluster(folder / "postgres", free_port())
    cluster.create()
    command = cluster.command()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command.arguments,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(command.stop_signal),  # noqa: PLW1509  # no thread runs yet
        )
    try:
        wait_until_up(cluster, process)
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            connection.execute(f"create database {TEMPLATE}")
        asyncio.run(apply_migrations(cluster.url_of(TEMPLATE)))
        yield cluster
    finally:
        process.send_signal(command.stop_signal)
        process.wait(20)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """The session's cluster."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres(postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of a fresh database with all migrations applied."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_cluster.url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {TEMPLATE}")
    yield postgres_cluster.url_of(name)
    with psycopg.connect(postgres_cluster.url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
