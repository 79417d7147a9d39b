"""The request budget of one Deriv connection.

Deriv allows 220 calls a minute and connection and then refuses all for about 54 s. We stay far below: a burst of 15,
then 2 a second, 4 waiting for an answer; after a refusal nothing is asked for 55 s. Pings are outside of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

BURST = 15
PER_SECOND = 2.0
IN_FLIGHT = 4
HOLD_S = 55.0


class RequestBudget:
    """A token bucket with a bound on what is in flight, and a hold. Times are wall seconds."""

    def __init__(self, *, hold_s: float = HOLD_S, monotonic: Callable[[], float] | None = None) -> None:
        """`monotonic` tells seconds; None: the running loop's own time, which is what is slept by."""
        self._hold_s = hold_s
        self._monotonic = monotonic = monotonic or asyncio.get_running_loop().time
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._turn = asyncio.Lock()
        self._tokens = float(BURST)
        self._counted_at = monotonic()
        self._held_until = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until one more request may be made, and count it as in flight while the context is open."""
        async with self._slots:
            async with self._turn:
                await self._wait_turn()
                self._tokens -= 1
            yield

    async def _wait_turn(self) -> None:
        while (wait_s := self.wait_s()) > 0:  # noqa: ASYNC110  # time is what is waited for; a hold may prolong it
            await asyncio.sleep(wait_s)

    def wait_s(self) -> float:
        """Tell how long the next request must wait."""
        now = self._monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
        short = (1 - self._tokens) / PER_SECOND
        return max(0.0, self._held_until - now, short)

    def hold(self) -> None:
        """Ask nothing for a while: the venue said that it is too much."""
        self._held_until = self._monotonic() + self._hold_s
