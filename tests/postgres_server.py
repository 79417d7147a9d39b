"""A real PostgreSQL for tests: one cluster per session, one migrated database per test."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from chassis.database import apply_migrations
from sandbox.stack.ports import reserved
from sandbox.stack.postgres import Cluster, find_cluster
from sandbox.stack.process import tied

TEMPLATE = "sinyal_template"
QUIET = ("-c", "autovacuum=off")
"""An analysis that runs in any database of the cluster holds the outbox's rows back for a moment."""


def free_port() -> int:
    """Take a port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_until_up(cluster: Cluster, process: "subprocess.Popen[bytes]") -> None:
    """Connect until it works; fails with the server's exit code when it ended."""
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(cluster.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert process.poll() is None, f"postgres ended with {process.returncode}"
            assert time.monotonic() < deadline, "postgres did not come up"
            time.sleep(0.05)
        else:
            return


class Server:
    """A cluster and the process that serves it: it can be frozen, stopped and started again."""

    def __init__(self, cluster: Cluster, log: Path) -> None:
        self.cluster = cluster
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = self.cluster.command()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (*command.arguments, *QUIET),
                stdout=log,
                stderr=log,
                **tied(command.stop_signal, command.user),
            )
        wait_until_up(self.cluster, self._process)

    def stop(self) -> None:
        """End it as an administrator does: sessions are thrown out."""
        assert self._process is not None
        self._process.send_signal(self.cluster.command().stop_signal)
        self._process.wait(20)

    def frozen(self) -> AbstractContextManager[None]:
        """Stop every process of it in its tracks: connections stay open and say nothing."""
        assert self._process is not None
        return frozen(self._process.pid)


@contextmanager
def frozen(master: int) -> Iterator[None]:
    """Stop a server, named by its first process, and every process it has started."""
    os.kill(master, signal.SIGSTOP)
    os.waitid(os.P_PID, master, os.WSTOPPED)  # from now on it makes no more of them
    pids = [master, *_children(master)]
    for pid in pids[1:]:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def _children(master: int) -> list[int]:
    """List the processes that a process has started and that live."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


@contextmanager
def running_server() -> Iterator[Server]:
    """Run a cluster without durability, on a free port; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sinyal-pg-"))
    folder.chmod(0o711)
    with reserved(1) as (port,):
        cluster = find_cluster(folder / "postgres", port)
        cluster.create()
        server = Server(cluster, folder / "log")
        server.start()
        try:
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a cluster with a migrated database to copy."""
    with running_server() as server:
        with psycopg.connect(server.cluster.url, autocommit=True) as connection:
            connection.execute(f"create database {TEMPLATE}")
        asyncio.run(apply_migrations(server.cluster.url_of(TEMPLATE)))
        yield server.cluster


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """The session's cluster."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def own_postgres_server() -> Iterator[Server]:
    """A server for one test alone, its database `sinyal` empty: to freeze it, stop it, or change its roles."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres(postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of a fresh database with all migrations applied."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_cluster.url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {TEMPLATE}")
    yield postgres_cluster.url_of(name)
    with psycopg.connect(postgres_cluster.url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
