"""How questions are taken: a few at a time, each for a short while. Nobody waits for a database that is away.

Who asks gets an answer or hears "unavailable" before his patience ends; what he asked goes on in the background for as
long as it takes to get out of the database, and has no effect any more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from chassis.errors import ConflictError, TransientError

TRIES = 4
"""How often a question is worked on when its transaction and another were in each other's way."""
LIMIT_S = 2.0
"""How long a question may take: whoever asks waits three seconds (`contracts.channels.Ask`)."""

Q = TypeVar("Q")
A = TypeVar("A")


class Gate(Protocol):
    """What says whether the database is there."""

    def admit(self) -> None:
        """Let a question through.

        Raises:
            TransientError: the database does not answer now.
        """
        ...


class Reception:
    """Takes questions: `at_once` are worked on, the others wait for their turn within their time."""

    def __init__(self, gate: Gate, *, at_once: int, limit_s: float = LIMIT_S) -> None:
        self._gate = gate
        self._slots = asyncio.Semaphore(at_once)
        self._limit_s = limit_s
        self._leaving: set[asyncio.Future[Any]] = set()

    def taking(self, handle: Callable[[Q], Awaitable[A]]) -> Callable[[Q], Awaitable[A]]:
        """Answer by `handle`, or say in time that it cannot be answered now."""

        async def answer(question: Q) -> A:
            self._gate.admit()
            work = asyncio.ensure_future(self._work(handle, question))
            try:
                await asyncio.wait({work}, timeout=self._limit_s)
            finally:
                if not work.done():
                    self._let_go(work)
            if not work.done():
                raise TransientError(f"not answered within {self._limit_s:g} s")
            return work.result()

        return answer

    async def _work(self, handle: Callable[[Q], Awaitable[A]], question: Q) -> A:
        async with self._slots:
            for _ in range(TRIES - 1):
                try:
                    return await handle(question)
                except ConflictError:
                    self._gate.admit()
            return await handle(question)

    def _let_go(self, work: "asyncio.Future[A]") -> None:
        """End it without waiting for that: a silent server takes its time."""
        self._leaving.add(work)
        work.add_done_callback(self._left)
        work.cancel()

    def _left(self, work: "asyncio.Future[A]") -> None:
        self._leaving.discard(work)
        if not work.cancelled():
            work.exception()  # whoever asked was told already
