"""The last gate before the wire: calls leave in pace, however unevenly the database let them come.

The scheduler picks sends in pace, but each then reads and writes its row, and on a busy machine ten rows come back at
once. What Telegram counts is when calls arrive.
"""

import asyncio

from chassis.clock import Clock
from services.telegram.domain.pace import Pace


class Turnstile:
    """Lets one call through after the other."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._pace = Pace(per_second)
        self._clock = clock
        self._turn = asyncio.Lock()

    async def pass_through(self) -> None:
        """Wait for one's turn; who came first goes first."""
        async with self._turn:
            await asyncio.sleep(self._pace.next_at - self._clock.monotonic())
            self._pace.take(self._clock.monotonic())
