"""The last gate before the wire: calls leave in pace, however unevenly the database let them come.

The scheduler picks sends in pace, but each then reads and writes its row, and on a busy machine ten rows come back at
once. What Telegram counts is when calls arrive. Here is also known which chat is being called, or was a moment ago:
whoever says a word out of turn (`regrets`) must let it rest like all others, and be waited for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chassis.clock import Clock
from services.telegram.domain.pace import Pace
from services.telegram.domain.scheduler import Limits


@dataclass(slots=True)
class _Door:
    """The way to one chat: one call at a time goes through, and `free_at` says when the next one may."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    free_at: float = 0.0


class Turnstile:
    """Lets one call through after the other, and to each chat one at a time, with its rest in between."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._pace = Pace(limits.per_second)
        self._clock = clock
        self._turn = asyncio.Lock()
        self._doors: dict[int, _Door] = {}

    @asynccontextmanager
    async def passing(self, chat_id: int) -> AsyncIterator[None]:
        """Wait for one's turn, then let the call inside the context through; who came first goes first."""
        door = self._doors.setdefault(chat_id, _Door())
        door.users += 1
        try:
            async with door.turn:
                await asyncio.sleep(door.free_at - self._clock.monotonic())
                await self._pass_through()
                try:
                    yield
                finally:
                    door.free_at = self._clock.monotonic() + self._limits.gap_s(chat_id)
        finally:
            door.users -= 1
            asyncio.get_running_loop().call_later(self._limits.gap_s(chat_id), self._tidy, chat_id)

    async def _pass_through(self) -> None:
        async with self._turn:
            await asyncio.sleep(self._pace.next_at - self._clock.monotonic())
            self._pace.take(self._clock.monotonic())

    def _tidy(self, chat_id: int) -> None:
        """Forget a chat that has rested."""
        door = self._doors.get(chat_id)
        if door is not None and not door.users and door.free_at <= self._clock.monotonic():
            del self._doors[chat_id]
