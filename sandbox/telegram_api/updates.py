"""The queue of updates and the long poll that empties it.

An update stays until it is confirmed: by a getUpdates with a higher offset, or by the webhook's 2xx. Of two pollers the
older one is refused, as Telegram does.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram_api.errors import ApiError, conflict

Json = dict[str, Any]

# Kinds that a bot gets only when it asks for them by name. Source: Bot API, getUpdates.allowed_updates.
_ONLY_BY_NAME = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
# Ids must not return after a restart of this server, or a consumer that drops ids it has seen would drop new updates:
# they start from the clock, with room for eight updates a second.
_ID_EPOCH_S = 1_767_225_600
_IDS_PER_SECOND = 8


@dataclass(frozen=True, slots=True)
class Update:
    """One update. `queue` names what it must stay in order with; `expires_at` is wall time."""

    update_id: int
    kind: str
    payload: Any
    queue: str
    expires_at: float
    confirmed: Callable[[], None] = field(default=lambda: None, compare=False)

    def render(self) -> Json:
        """Return the Bot API's Update."""
        return {"update_id": self.update_id, self.kind: self.payload}


class UpdateQueue:
    """Holds updates in order and hands them to one poller or one webhook."""

    def __init__(self, conflict_delay_s: float) -> None:
        self._conflict_delay_s = conflict_delay_s
        self._pending: dict[int, Update] = {}
        self._next_id = max(1, int((time.time() - _ID_EPOCH_S) * _IDS_PER_SECOND))
        self._waiting: asyncio.Future[ApiError | None] | None = None
        self._last_conflict_at = float("-inf")
        self.allowed: tuple[str, ...] = ()
        self.arrived = asyncio.Event()

    @property
    def pending(self) -> list[Update]:
        """Return the unconfirmed updates, oldest first."""
        return list(self._pending.values())

    def is_allowed(self, kind: str) -> bool:
        """Tell whether the bot asked for this kind; an empty list means all but the rare ones."""
        return kind in self.allowed if self.allowed else kind not in _ONLY_BY_NAME

    def push(
        self,
        kind: str,
        payload: Any,
        *,
        queue: str,
        life_s: float,
        confirmed: Callable[[], None] = lambda: None,
    ) -> Update | None:
        """Add an update; None when the bot did not ask for its kind."""
        if not self.is_allowed(kind):
            return None
        update = Update(self._next_id, kind, payload, queue, time.time() + life_s, confirmed)
        self._next_id += 1
        return self.put(update)

    def put(self, update: Update) -> Update:
        """Add an update under its own id and wake who waits."""
        self._pending[update.update_id] = update
        self._next_id = max(self._next_id, update.update_id + 1)
        self.arrived.set()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        return update

    def confirm(self, update: Update) -> None:
        """Forget an update that was taken."""
        if self._pending.pop(update.update_id, None) is not None:
            update.confirmed()

    def drop_all(self) -> None:
        """Forget all updates unseen (`drop_pending_updates`)."""
        self._pending.clear()

    def drop_expired(self) -> None:
        """Forget the updates that nobody took in their time."""
        now = time.time()
        for update_id in [one.update_id for one in self._pending.values() if one.expires_at <= now]:
            del self._pending[update_id]

    def terminate_poll(self, reason: ApiError) -> None:
        """End a waiting long poll with an error."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reason)

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """Confirm what lies below `offset`, then wait for updates. Raises ApiError (409) when another poll comes."""
        self.terminate_poll(
            conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
        )
        self._confirm_below(offset)
        self.drop_expired()
        if not self._pending and timeout_s > 0:
            await self._wait(timeout_s)
        return [one.render() for one in self.pending[:limit]]

    def _confirm_below(self, offset: int) -> None:
        """Apply an offset; a negative one keeps only the last updates."""
        pending = self.pending
        below = pending[:offset] if offset < 0 else [one for one in pending if one.update_id < offset]
        for update in below:
            self.confirm(update)

    async def _wait(self, timeout_s: float) -> None:
        """Wait for an update, the end of the time, or a rival."""
        waiting = self._waiting = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                reason = await waiting
        except TimeoutError:
            return
        if reason is not None:
            await self._slow_down_rivals(reason)
            raise reason

    async def _slow_down_rivals(self, reason: ApiError) -> None:
        """Delay the second conflict in a row, so that two pollers do not chase each other without a pause."""
        now = time.monotonic()
        is_second = now - self._last_conflict_at < self._conflict_delay_s
        self._last_conflict_at = now
        if reason.code == 409 and is_second:
            await asyncio.sleep(self._conflict_delay_s)
