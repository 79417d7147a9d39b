"""Deriv's request budget, per connection, in wall time.

Source: docs/limits (220 calls a minute for market data; ping is outside the budget) and a field measurement of
2026-09-26: 220 requests in 6 s, then RateLimit, and the connection works again 54 s later.
"""

import time
from collections.abc import Callable

CALLS_PER_MINUTE = 220
MINUTE_S = 60.0
BLOCKED_S = 54.0


class Budget:
    """Counts one connection's calls."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        """Start with a full budget; `wall` gives seconds."""
        self._wall = wall
        self._minute_began = wall()
        self._calls = 0
        self._blocked_until = 0.0

    def spend(self) -> bool:
        """Count one call; False where it is over the budget or the connection is still blocked for that."""
        now = self._wall()
        if now < self._blocked_until:
            return False
        if now - self._minute_began >= MINUTE_S or self._blocked_until:
            self._minute_began, self._calls, self._blocked_until = now, 0, 0.0
        self._calls += 1
        if self._calls > CALLS_PER_MINUTE:
            self._blocked_until = now + BLOCKED_S
            return False
        return True
