"""What it costs to speak faster than Telegram lets everybody.

Source: Bot API, `allow_paid_broadcast` of sendMessage: up to 1000 messages a second for 0.1 Telegram Stars each; the
bots FAQ: only those above the free 30 of a second are charged, and only when they arrive. A bot needs 10,000 Stars and
10,000 monthly users to be allowed to.
"""

from collections import deque
from decimal import Decimal

FREE_PER_SECOND = 30
STARS_EACH = Decimal("0.1")


def cost(messages: int, per_second: float) -> Decimal:
    """Tell how many Stars `messages` cost at a pace, at most."""
    if per_second <= FREE_PER_SECOND:
        return Decimal(0)
    free = int(messages * FREE_PER_SECOND / per_second)
    return (messages - free) * STARS_EACH


class FeeMeter:
    """Counts what was spent, at most: every message that is not among the first 30 of the second before it."""

    def __init__(self) -> None:
        self._free: deque[float] = deque()
        self.stars = Decimal(0)

    def count(self, now_s: float) -> Decimal:
        """Learn that a message arrived; returns its price."""
        while self._free and self._free[0] <= now_s - 1.0:
            self._free.popleft()
        if len(self._free) < FREE_PER_SECOND:
            self._free.append(now_s)
            return Decimal(0)
        self.stars += STARS_EACH
        return STARS_EACH
