"""Starts commands in order, waits until each is ready, restarts what dies, stops in reverse order.

A supervisor that is killed −9 leaves nothing: every child asked the kernel for a signal on its parent's death.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from sandbox.stack.process import Command, Running, start

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 30.0
"""A process that ran this long is restarted after the first pause again."""


CANNOT_START = 2
"""The exit status of a service that was told something wrong: starting it again would not help."""


TAIL_BYTES = 16_384
"""How much of a log is read back for a process's last words."""


class NotReadyError(RuntimeError):
    """A process ended, or was not ready in time; carries the end of its log."""


class Supervisor:
    """Keeps a list of commands running while the context is open.

    A command that ends its first run soon and with `CANNOT_START` is not started again: `refused` is set and `refusal`
    is what it said. Later that status only means that something it needs is away, such as the broker.
    """

    def __init__(
        self,
        logs: Path,
        tell: Callable[[str, str], None] = lambda _name, _state: None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = environment or {}
        self._logs = logs
        self._tell = tell
        self._running: dict[str, Running] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._said_before: dict[str, int] = {}
        self.restarts: dict[str, int] = {}
        self.refused = asyncio.Event()
        self.refusal = ""

    async def __aenter__(self) -> Self:
        """Nothing runs yet; see `up`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything, last started first."""
        await self.down()

    def pid(self, name: str) -> int:
        """The process id of a running command."""
        return self._running[name].pid

    def log(self, name: str) -> Path:
        """Where a command's output goes."""
        return self._logs / f"{name}.log"

    async def up(self, commands: Sequence[Command]) -> None:
        """Start commands together and wait until all are ready.

        Raises:
            NotReadyError: one of them ended or took too long.
        """
        for command in commands:
            self._tell(command.name, "starting")
            await self._start(command)
        try:
            async with asyncio.TaskGroup() as group:
                for command in commands:
                    group.create_task(self._until_ready(command))
        except* NotReadyError as failed:
            raise failed.exceptions[0] from None
        for command in commands:
            self._watchers[command.name] = asyncio.ensure_future(self._keep(command))

    async def down(self, names: Sequence[str] | None = None) -> None:
        """Stop the named commands, or all, last started first."""
        wanted = list(self._running) if names is None else [name for name in self._running if name in names]
        await self._forget(wanted)
        for name in reversed(wanted):
            self._tell(name, "stopping")
            await self._running[name].stop()
            del self._running[name]  # not before: who is cancelled here stops it again
            self._tell(name, "stopped")

    async def _forget(self, names: Sequence[str]) -> None:
        """End the watchers first: one that is about to restart its process would start it behind our back."""
        watchers = [self._watchers.pop(name) for name in names if name in self._watchers]
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)

    async def _start(self, command: Command) -> None:
        log = self.log(command.name)
        self._said_before[command.name] = log.stat().st_size if log.exists() else 0
        self._running[command.name] = await start(command, log, self._environment)

    async def _until_ready(self, command: Command) -> None:
        deadline = time.monotonic() + command.ready_s
        running = self._running[command.name]
        while command.is_ready is not None and not await command.is_ready():
            if running.exit_code is not None:
                raise NotReadyError(f"{command.name} ended with {running.exit_code}: {self.tail(command.name)}")
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"{command.name} is not ready after {command.ready_s:.0f} s: {self.tail(command.name)}"
                )
            await asyncio.sleep(0.05)
        self._tell(command.name, "ready" if command.is_ready else "started")

    async def _keep(self, command: Command) -> None:
        """Restart a command whenever it ends, after a growing pause."""
        pause_s = FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            code = await self._running[command.name].wait()
            if code == CANNOT_START and self._is_first_run(command.name, started):
                self.refusal = self.refusal or self._complaint(command.name)
                self.refused.set()
                return
            pause_s = FIRST_PAUSE_S if time.monotonic() - started > STEADY_S else min(LONGEST_PAUSE_S, pause_s * 2)
            self.restarts[command.name] = self.restarts.get(command.name, 0) + 1
            self._tell(command.name, "restarting")
            await asyncio.sleep(pause_s)
            await self._start(command)

    def _is_first_run(self, name: str, started: float) -> bool:
        return name not in self.restarts and time.monotonic() - started < STEADY_S

    def tail(self, name: str) -> str:
        """The last line that a command wrote since it was last started."""
        return self._said(name)[-1]

    def _complaint(self, name: str) -> str:
        """What a command that could not start wrote: all its lines but the log's, which are JSON."""
        said = self._said(name)
        return "\n".join([line for line in said if not line.startswith("{")] or said[-1:])

    def _said(self, name: str) -> list[str]:
        with self.log(name).open("rb") as log:
            log.seek(max(self._said_before.get(name, 0), log.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return [line[:400] for line in text.strip().splitlines()] or ["it wrote nothing"]
