"""Faults on command: what is wrong with the venue just now, until when or how many times.

All of it is wall time: a fault of 5 seconds lasts 5 seconds whatever the market's speed. What a fault does to the wire
is said once, in `KINDS`; the server asks here and acts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

KINDS = {
    "silence": "no tick is told for `seconds`; requests are answered; the ticks stay readable in history",
    "close": "every connection is closed with code 1001, at once",
    "refuse": "new connections get HTTP 503 for `seconds`, or `count` of them",
    "late": "ticks are held back for `seconds`, then told in order in one burst",
    "duplicate": "each of the next `count` ticks is told twice",
    "garbage": "`count` broken frames follow the next ticks, one kind after the other",
    "rate_limit": "every request but ping is answered RateLimit for `seconds`",
    "half_open": "present connections neither read nor write for `seconds`; the link looks alive",
    "accept_then_close": "new connections are accepted and closed at once (1013) for `seconds`, or `count` of them",
    "outage": "every connection breaks and new ones get HTTP 503 for `seconds`; market time goes on",
}
COUNTED = {"duplicate", "garbage"}
EITHER = {"refuse", "accept_then_close"}
IMMEDIATE = {"close"}
DEFAULT_SECONDS = 5.0
DEFAULT_COUNT = 1


class FaultError(ValueError):
    """A fault that cannot be set; the message says what would be right."""


@dataclass
class Fault:
    """One fault that is on: until a wall moment in seconds (None for no end), for so many more times (None: any)."""

    kind: str
    until: float | None
    left: int | None


class Faults:
    """The faults that are on. Setting a kind again replaces it."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `wall` gives seconds and never goes back."""
        self._wall = wall
        self._faults: dict[str, Fault] = {}

    def put(self, kind: str, *, seconds: float | None = None, count: int | None = None) -> None:
        """Switch a fault on. Raises FaultError for an unknown kind or a limit that is not above zero."""
        if kind not in KINDS:
            raise FaultError(f"unknown fault {kind!r}; one of {', '.join(KINDS)} would be right")
        if (seconds is not None and not 0 < seconds < float("inf")) or (count is not None and count < 1):
            raise FaultError(f"{kind}: seconds and count must be greater than zero")
        if kind in IMMEDIATE:
            return
        if kind in COUNTED or (kind in EITHER and count is not None and seconds is None):
            count = count or DEFAULT_COUNT
        else:
            seconds, count = seconds or DEFAULT_SECONDS, count if kind in EITHER else None
        self._faults[kind] = Fault(kind, None if seconds is None else self._wall() + seconds, count)

    def clear(self) -> None:
        """Switch all faults off."""
        self._faults.clear()

    def is_on(self, *kinds: str) -> bool:
        """Tell whether one of these faults is on, without using it up."""
        return any(self._find(kind) is not None for kind in kinds)

    def take(self, kind: str) -> bool:
        """Use a fault once; False where it is off."""
        fault = self._find(kind)
        if fault is None:
            return False
        if fault.left is not None:
            fault.left -= 1
        return True

    def active(self) -> list[dict[str, object]]:
        """List what is on, with the seconds and the count that are left (None for no limit)."""
        now = self._wall()
        return [
            {
                "kind": fault.kind,
                "seconds": None if fault.until is None else round(fault.until - now, 3),
                "count": fault.left,
            }
            for fault in [self._find(kind) for kind in list(self._faults)]
            if fault is not None
        ]

    def _find(self, kind: str) -> Fault | None:
        fault = self._faults.get(kind)
        if fault is None:
            return None
        is_over = (fault.until is not None and self._wall() >= fault.until) or fault.left == 0
        if is_over:
            del self._faults[kind]
            return None
        return fault
