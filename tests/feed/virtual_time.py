"""A loop whose time passes only when nobody has anything to do: hours of a market in seconds, and never flaky.

Both ends of a test's sockets live in the same loop. While bytes are on their way or a thread works, time stands still;
when all is quiet it jumps to the next timer. A busy machine makes such a test slower, never different.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

QUIET_S = 0.0002
"""Bytes sent over loopback are readable at once; this much real time is for who doubts it."""

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class _PatientSelector(selectors.SelectSelector):
    """Never waits for a timer: tells the loop how long it would have waited instead."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: Callable[[float], None] = lambda _: None
        self.is_busy: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        while self.is_busy() or timeout is None:
            found = super().select(0.001)
            if found:
                return found
        found = super().select(QUIET_S)
        if not found:
            self.passed(timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own, in seconds from 1000."""

    def __init__(self) -> None:
        selector = _PatientSelector()
        super().__init__(selector)
        self._virtual = 1000.0
        self._working = 0
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
        started = time.monotonic()
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))
        assert time.monotonic() - started < 60, "a scenario is too long for a test"

    return run
