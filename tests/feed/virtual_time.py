"""A loop whose time passes only when nobody has anything to do: hours of a market in seconds, and never flaky.

Both ends of a test's sockets live in the same loop, and are the two ends of one pair in the kernel: what one end has
sent the other can read at once, which TCP promises to nobody, not even over loopback. So when nothing can be read and
no thread works, nothing is on its way, and time jumps to the next timer. A busy machine makes such a test slower, never
different.
"""

import asyncio
import selectors
import socket
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class _PatientSelector(selectors.SelectSelector):
    """Never waits for a timer: tells the loop how long it would have waited instead."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: Callable[[float], None] = lambda _: None
        self.is_busy: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.is_busy() or timeout is None:
            return super().select(0 if timeout == 0 else None)
        found = super().select(0)
        if not found and timeout > 0:
            self.passed(timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own, in seconds from 1000."""

    def __init__(self) -> None:
        selector = _PatientSelector()
        super().__init__(selector)
        self._virtual = 1000.0
        self._working = 0
        self._doors: dict[int, tuple[asyncio.Server, Callable[[], asyncio.BaseProtocol]]] = {}
        selector.passed = self._pass
        selector.is_busy = lambda: self._working > 0

    def _pass(self, seconds: float) -> None:
        self._virtual += max(seconds, 1e-6)

    def time(self) -> float:
        """Tell the virtual time."""
        return self._virtual

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Let a thread work; time stands still meanwhile."""
        self._working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._rest)
        return future

    def _rest(self, _: object) -> None:
        self._working -= 1

    async def create_server(self, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
        """Open a port as ever, so that it is taken, and remember who answers there."""
        server = await super().create_server(protocol_factory, *args, **kwargs)
        for listening in server.sockets:
            self._doors[listening.getsockname()[1]] = (server, protocol_factory)
        return server

    async def create_connection(self, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
        """Connect to a port of this loop by a pair of sockets. Raises ConnectionRefusedError where nobody answers."""
        ours = kwargs.get("sock") or await self.connected(kwargs.get("port"))
        return await super().create_connection(protocol_factory, sock=ours)

    async def connected(self, port: int | None) -> socket.socket:
        """Make our end of a connection to a port of this loop. Raises ConnectionRefusedError where nobody answers."""
        server, answer = self._doors.get(port, (None, None)) if port is not None else (None, None)
        if server is None or answer is None or not server.is_serving():
            raise ConnectionRefusedError(f"nobody in this loop answers at port {port}")
        theirs, ours = socket.socketpair()
        await self.connect_accepted_socket(answer, theirs)
        return ours


class VirtualClock:
    """The clock of chassis on the loop's own time."""

    def now(self) -> datetime:
        """Tell the wall time."""
        return EPOCH + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Tell the loop's seconds."""
        return asyncio.get_running_loop().time()


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in a loop whose time is virtual."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
