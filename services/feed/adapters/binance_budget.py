"""The request budget of one address at Binance, shared by all its connections.

Binance counts weights: 6000 a minute and address; over it, 429 with Retry-After, and who goes on is banned (418). We
plan 2400 a minute with a burst of 1200 and 4 in flight, and stop when the venue's own count (others may share the
address) comes near. Source: Binance, "Limits" of the spot REST API.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.feed.ports import VenueLostError

BURST = 1200.0
PER_SECOND = 40.0
IN_FLIGHT = 4
NEAR_LIMIT = 4800
NEAR_HOLD_S = 15.0
LONGEST_HOLD_S = 120.0
"""A longer ban is not waited out in silence: the connection ends and says so."""


class WeightBudget:
    """A token bucket of weights with a hold. Times are wall seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._turn = asyncio.Lock()
        self._tokens = BURST
        self._counted_at = monotonic()
        self._held_until = 0.0

    @asynccontextmanager
    async def slot(self, weight: int) -> AsyncIterator[None]:
        """Wait until a request of this weight may be made, and count it as in flight while the context is open.

        Raises VenueLostError while the venue bans this address for long.
        """
        async with self._slots:
            async with self._turn:
                while (wait_s := self.wait_s(weight)) > 0:
                    if self._held_until - self._monotonic() > LONGEST_HOLD_S:
                        raise VenueLostError(f"banned by the venue for {wait_s:.0f} s more")
                    await asyncio.sleep(wait_s)
                self._tokens -= weight
            yield

    def wait_s(self, weight: int) -> float:
        """Tell how long a request of this weight must wait."""
        now = self._monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
        return max(0.0, self._held_until - now, (weight - self._tokens) / PER_SECOND)

    def hold(self, seconds: float) -> None:
        """Ask nothing for a while: the venue said that it is too much."""
        self._held_until = max(self._held_until, self._monotonic() + seconds)

    def learn_used(self, used: int) -> None:
        """Take the venue's own count of this minute's weight."""
        if used >= NEAR_LIMIT:
            self.hold(NEAR_HOLD_S)
