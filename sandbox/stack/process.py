"""A child process that never outlives us: own process group, death signal from its parent, output to a file."""

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, as which user, and how to tell that it is ready.

    `stop_signal` asks it to end, and is sent to it when its parent dies; `stop_s` is how long it may take.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], Awaitable[bool]] | None = None
    ready_s: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10.0
    user: str | None = None


def tied(number: signal.Signals = signal.SIGTERM, user: str | None = None) -> dict[str, Any]:
    """Give what `subprocess.Popen` must be told so that a child gets `number` when its parent dies, and runs as `user`.

    The user is changed before the kernel is asked, since the change would make it forget.
    """
    identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    return {"preexec_fn": die_with_parent(number), **identity}


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Make a child ask the kernel for `number` when its parent is gone. Linux only; None elsewhere.

    A parent may be killed at any moment between the fork and the new program. Before the child has asked, it would get
    no signal, so it looks; afterwards, a handler that it has from its parent would only take note, so there is none.
    """
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def ask() -> None:
        if number is not signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


class Running:
    """One started process."""

    def __init__(self, process: asyncio.subprocess.Process, command: Command) -> None:
        self._process = process
        self.command = command

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, then end its whole group."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(self.command.stop_signal)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.command.stop_s):
                    await self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def start(command: Command, log: Path, environment: Mapping[str, str]) -> Running:
    """Start a command in a group of its own, its output appended to `log`."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environment, **command.environment},
            start_new_session=True,
            **tied(command.stop_signal, command.user),
        )
    return Running(process, command)
