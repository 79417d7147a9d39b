"""The journal: every call of the bot, in the order in which its fate was decided.

A call is written once and never changed: after it was executed or refused, whether the client sees the answer or not.
So an entry that is `accepted` with `answer` other than `sent` is a message that stands in the chat although the client
cannot know it: `unseen` says that the client had left by itself. The token and the webhook's secret never enter.
"""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Literal

Outcome = Literal["accepted", "refused", "dropped"]


@dataclass(slots=True)
class Entry:
    """One call. Times are wall time, seconds since the epoch; `answered_at` is None when no whole answer left."""

    number: int
    method: str
    chat_id: int | str | None
    received_at: float
    parameters: dict[str, Any] = field(default_factory=dict)
    held_s: float = 0.0
    outcome: Outcome = "accepted"
    answer: str = "sent"
    answered_at: float | None = None
    error_code: int | None = None
    description: str | None = None
    message_ids: list[int] = field(default_factory=list)
    fault: str | None = None


class Journal:
    """Keeps the newest `limit` entries; `first` tells when older ones are gone."""

    def __init__(self, limit: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._last = 0
        self.in_flight = 0

    @property
    def last(self) -> int:
        """Return the newest entry's number; 0 before the first."""
        return self._last

    def begin(self, method: str, chat_id: int | str | None, parameters: dict[str, Any]) -> Entry:
        """Note that a call came; it gets its number when its fate is decided."""
        self.in_flight += 1
        return Entry(0, method, chat_id, time.time(), parameters)

    def settle(self, entry: Entry) -> None:
        """Write the entry down."""
        self.in_flight -= 1
        self._last += 1
        entry.number = self._last
        if entry.answer == "sent":
            entry.answered_at = time.time()
        self._entries.append(entry)

    def entries(self, after: int = 0) -> list[Entry]:
        """Return the entries with a number above `after`, in order."""
        skip = max(0, after - (self._last - len(self._entries)))
        return list(islice(self._entries, skip, None))

    def render(self, after: int = 0) -> dict[str, Any]:
        """Return the entries as JSON, with the numbers that a reader needs to go on."""
        entries = self.entries(after)
        first = self._last - len(self._entries) + 1
        return {
            "first": first,
            "last": self._last,
            "in_flight": self.in_flight,
            "entries": [asdict(one) for one in entries],
        }
