"""Starts commands in order, waits until each is ready, restarts what dies, stops in reverse order.

A supervisor that is killed −9 leaves nothing: every child asked the kernel for a signal on its parent's death.
"""

import asyncio
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


class NotReadyError(RuntimeError):
    """A process ended, or was not ready in time; carries the end of its log."""


class Supervisor:
    """Keeps a list of commands running while the context is open.

    A command that ends with `CANNOT_START` is not started again: `refused` is set and `refusal` is its last line.
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
        self._watchers: list[asyncio.Task[None]] = []
        self._is_stopping = False
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
            self._running[command.name] = await start(command, self.log(command.name), self._environment)
        try:
            async with asyncio.TaskGroup() as group:
                for command in commands:
                    group.create_task(self._until_ready(command))
        except* NotReadyError as failed:
            raise failed.exceptions[0] from None
        self._watchers += [asyncio.ensure_future(self._keep(command)) for command in commands]

    async def down(self, names: Sequence[str] | None = None) -> None:
        """Stop the named commands, or all, last started first."""
        wanted = list(self._running) if names is None else [name for name in self._running if name in names]
        self._is_stopping = self._is_stopping or names is None
        for name in reversed(wanted):
            running = self._running.pop(name)
            self._tell(name, "stopping")
            await running.stop()
            self._tell(name, "stopped")
        if names is None:
            for watcher in self._watchers:
                watcher.cancel()
            await asyncio.gather(*self._watchers, return_exceptions=True)

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
        self._tell(command.name, "ready")

    async def _keep(self, command: Command) -> None:
        """Restart a command whenever it ends, after a growing pause."""
        pause_s = FIRST_PAUSE_S
        while command.name in self._running:
            started = time.monotonic()
            code = await self._running[command.name].wait()
            if self._is_stopping or command.name not in self._running:
                return
            if code == CANNOT_START:
                self.refusal = self.tail(command.name)
                self.refused.set()
                return
            pause_s = FIRST_PAUSE_S if time.monotonic() - started > STEADY_S else min(LONGEST_PAUSE_S, pause_s * 2)
            self.restarts[command.name] = self.restarts.get(command.name, 0) + 1
            self._tell(command.name, "restarting")
            await asyncio.sleep(pause_s)
            if not self._is_stopping and command.name in self._running:
                self._running[command.name] = await start(command, self.log(command.name), self._environment)

    def tail(self, name: str) -> str:
        """The last line that a command wrote."""
        lines = self.log(name).read_text(errors="replace").strip().splitlines() if self.log(name).exists() else []
        return lines[-1][:400] if lines else "it wrote nothing"
