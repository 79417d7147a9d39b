"""The whole product on one machine: start, look at, disturb, stop, and prove that nothing is left."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from uuid import uuid4

from chassis import streams
from chassis.database import apply_migrations
from chassis.nats_bus import connect
from sandbox.stack.layout import MARK, ROOMS, Layout, Market, plan
from sandbox.stack.supervisor import Supervisor

Tell = Callable[[str, str], None]


class Stack:
    """Runs while the context is open."""

    def __init__(self, market: Market, *, tell: Tell = lambda _name, _state: None, keep: bool = False) -> None:
        self._market = market
        self._tell = tell
        self._keep = keep
        self.started_in_s = 0.0
        self.folder = Path()
        self.layout: Layout
        self.supervisor: Supervisor

    async def __aenter__(self) -> Self:
        """Start everything and wait until it is ready.

        Raises:
            NotReadyError: a process ended or took too long.
            NoPostgresError, NoBrokerError: a binary is missing.
        """
        started = time.monotonic()
        self.folder = Path(tempfile.mkdtemp(prefix="sinyal-"))
        self.layout = plan(self.folder, uuid4().hex, self._market)
        logs = self.folder / "logs"
        logs.mkdir()
        self.supervisor = Supervisor(logs, self._tell, {MARK: self.layout.identity})
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        self.started_in_s = time.monotonic() - started
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything."""
        await self.stop()

    async def _start(self) -> None:
        self._tell("postgres", "creating")
        self.layout.cluster.create()
        await self.supervisor.up(self.layout.servers())
        self._tell("schema", "migrating")
        await apply_migrations(self.layout.database_url)
        async with connect(self.layout.broker.url, name="stack") as bus:
            await streams.apply(bus)
        self._tell("schema", "ready")
        await self.supervisor.up(self.layout.rooms())

    async def stop(self) -> None:
        """Stop everything, last started first, and remove the folder."""
        await self.supervisor.down()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, name: str) -> None:
        """End a process as a crash would; the supervisor brings it back."""
        os.kill(self.supervisor.pid(name), signal.SIGKILL)

    def processes(self) -> list[int]:
        """List every process on the machine that carries this stack's mark (Linux), or hangs below our children."""
        return find_marked(self.layout.identity)

    def remains(self) -> list[str]:
        """List what is left after a stop: processes, and the folder."""
        left = [f"process {pid}" for pid in self.processes()]
        return left + ([str(self.folder)] if self.folder.exists() and not self._keep else [])


def find_marked(identity: str) -> list[int]:
    """Find processes whose environment carries a stack's mark."""
    wanted = f"{MARK}={identity}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0"):
            found.append(int(folder.name))
    return found


__all__ = ["ROOMS", "Market", "Stack", "find_marked"]
