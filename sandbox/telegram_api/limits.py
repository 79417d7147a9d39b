"""How fast the bot may write: a short flood wait is held back by the server, a long one is refused with 429.

Limits run on the wall clock. A refused call takes nothing from any limit.
"""

import math
from collections import deque
from typing import Protocol

from sandbox.telegram_api.chats import Chat
from sandbox.telegram_api.errors import flood
from sandbox.telegram_api.settings import LimitSettings


class _Limit(Protocol):
    def earliest(self, now: float) -> float:
        """Return the first moment at which one more message fits."""

    def take(self, at: float) -> None:
        """Use the limit at that moment."""


class SteadyLimit:
    """One message per interval, with a burst allowed after a pause (the generic cell rate algorithm)."""

    def __init__(self, interval_s: float, burst: int) -> None:
        self._interval_s = interval_s
        self._tolerance_s = interval_s * (burst - 1)
        self._due_at = float("-inf")

    def earliest(self, now: float) -> float:
        """Return the first moment at which one more message fits."""
        return max(now, self._due_at - self._tolerance_s)

    def take(self, at: float) -> None:
        """Use the limit at that moment."""
        self._due_at = max(self._due_at, at) + self._interval_s


class WindowLimit:
    """At most `count` messages in any `period_s` seconds."""

    def __init__(self, count: int, period_s: float) -> None:
        self._period_s = period_s
        self._taken: deque[float] = deque(maxlen=count)

    def earliest(self, now: float) -> float:
        """Return the first moment at which one more message fits."""
        if len(self._taken) < (self._taken.maxlen or 0):
            return now
        return max(now, self._taken[0] + self._period_s)

    def take(self, at: float) -> None:
        """Use the limit at that moment; moments taken never go back."""
        self._taken.append(max(at, self._taken[-1]) if self._taken else at)


class Limits:
    """The limits of one bot: of each chat, and of all together."""

    def __init__(self, settings: LimitSettings) -> None:
        self.settings = settings
        self._all = WindowLimit(settings.all_count, settings.all_period_s)
        self._paid = WindowLimit(settings.paid_count, settings.all_period_s)
        self._chats: dict[int, _Limit] = {}

    def reserve(self, chat: Chat, now: float, count: int = 1, *, is_paid: bool = False) -> float:
        """Take the next free place for `count` messages; return for how many seconds the call must be held. What is
        paid for has a wider limit of its own; the limit of its chat stays.

        Raises ApiError (429) when the wait is longer than the server holds a call; nothing is taken then.
        """
        if not self.settings.enabled:
            return 0.0
        limit = self._chats.setdefault(chat.id, self._limit_for(chat))
        shared = self._paid if is_paid else self._all
        starts_at = max(limit.earliest(now), shared.earliest(now))
        wait_s = starts_at - now
        if wait_s > self.settings.longest_hold_s:
            raise flood(math.ceil(wait_s))
        for _ in range(count):
            limit.take(starts_at)
            shared.take(starts_at)
        return wait_s

    def _limit_for(self, chat: Chat) -> _Limit:
        if chat.is_private:
            return SteadyLimit(self.settings.private_interval_s, self.settings.private_burst)
        return WindowLimit(self.settings.group_count, self.settings.group_period_s)
