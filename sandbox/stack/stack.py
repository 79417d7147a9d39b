"""The whole product on one machine: start, look at, disturb, stop, and prove that nothing is left.

Nothing outlives it, not even when it is killed −9: see janitor.py.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self
from uuid import uuid4

from chassis import streams
from chassis.broker_users import PROVISIONER
from chassis.database import apply_migrations
from chassis.nats_bus import connect
from sandbox.stack.broker import Logins
from sandbox.stack.janitor import Janitor
from sandbox.stack.layout import PORTS, ROOMS, Layout, Market, plan
from sandbox.stack.marks import MARK, find_marked
from sandbox.stack.ports import reserved
from sandbox.stack.standing import Standing
from sandbox.stack.stepped_clock import SteppedClock
from sandbox.stack.supervisor import Supervisor

Tell = Callable[[str, str], None]


class Stack:
    """Runs while the context is open."""

    def __init__(
        self,
        market: Market,
        *,
        tell: Tell = lambda _name, _state: None,
        keep: bool = False,
        names: tuple[str, ...] = ROOMS,
        told: Mapping[str, Mapping[str, str]] | None = None,
        logins: Logins | None = None,
    ) -> None:
        """With `logins` the broker knows its users, and each room is told its seed; without, everybody is let in."""
        self._market = market
        self._names = names
        self._logins = logins or Logins("", {})
        self._told = {name: {**(told or {}).get(name, {}), **self._login(name)} for name in names}
        self._tell = tell
        self._keep = keep
        self.started_in_s = 0.0
        self.folder = Path()
        self.identity = uuid4().hex
        self._kept_open = ExitStack()
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
        logs = self.folder / "logs"
        self.supervisor = Supervisor(logs, self._tell, {MARK: self.identity})
        try:
            if not self._keep:
                self._kept_open.enter_context(Janitor(self.folder, self.identity))
            ports = self._kept_open.enter_context(reserved(PORTS))
            layout = plan(self.folder, self.identity, self._market, ports, names=self._names, told=self._told)
            self.layout = replace(layout, broker=replace(layout.broker, users=self._logins.configuration))
            logs.mkdir()
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
        await self._create_cluster()
        await self.supervisor.up(self.layout.servers())
        self._tell("schema", "migrating")
        await apply_migrations(self.layout.database_url)
        seed = self._logins.seeds.get(PROVISIONER)
        async with connect(self.layout.broker.url, name=PROVISIONER, seed=seed) as bus:
            await streams.apply(bus)
        self._tell("schema", "ready")
        if self._market.is_stepped:
            SteppedClock.create(self.layout.clock, self._market.speed)
        await self.supervisor.up(self.layout.rooms())

    def _login(self, room: str) -> dict[str, str]:
        return {"NATS_SEED": self._logins.seeds[room]} if room in self._logins.seeds else {}

    async def _create_cluster(self) -> None:
        """Make the database's files; who cancels waits the second until they are whole, so that nobody writes on."""
        creating = asyncio.ensure_future(asyncio.to_thread(self.layout.cluster.create, {MARK: self.identity}))
        try:
            await asyncio.shield(creating)
        except asyncio.CancelledError:
            await asyncio.gather(creating, return_exceptions=True)  # a Ctrl-C may have ended it in its first instant
            raise

    async def stop(self) -> None:
        """Stop everything, last started first, and remove the folder."""
        await self.supervisor.down()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        await asyncio.to_thread(self._kept_open.close)

    async def drain(self, symbol: str) -> None:
        """Stop the market, then wait until all that came of it is followed to its end and told.

        The feed is stopped with the venue: it publishes what it has heard, and nothing comes behind.
        """
        await self.supervisor.down(["exchange", "feed"])
        async with Standing(self.layout) as standing:
            await standing.until_drained(symbol)

    def kill(self, name: str) -> None:
        """End a process as a crash would; the supervisor brings it back."""
        os.kill(self.supervisor.pid(name), signal.SIGKILL)

    def processes(self) -> list[int]:
        """List every process on the machine that carries this stack's mark (Linux)."""
        return find_marked(self.identity)

    def remains(self) -> list[str]:
        """List what is left after a stop: processes, and the folder."""
        left = [f"process {pid}" for pid in self.processes()]
        return left + ([str(self.folder)] if self.folder.exists() and not self._keep else [])


__all__ = ["ROOMS", "Market", "Stack"]
