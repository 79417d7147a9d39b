"""One send's life on our side of the wire: what its row allows next, and what to do when nobody knows.

A row is written before each call (`attempting`) and after it. Whoever finds `attempting` finds a call whose result
was lost with the process that made it: it counts as unknown, and the policy decides.
"""

from dataclasses import dataclass
from enum import StrEnum

from contracts.messages import Button, DeliveryState, SendClass

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
MOST_REPEATS = 1
REPEATED = frozenset({SendClass.EXIT, SendClass.SIGNAL})
"""What is told once more, marked as a repeat, when nobody knows whether it arrived: missing it costs money."""

UNREPEATED_PATIENCE_S = 15.0
"""How long a call is waited for that will not be made again whatever comes of it. The API holds a call for 8 s at most;
a call that hangs for longer is lost, and a signal that stands behind it in its chat expires meanwhile.
"""


class Progress(StrEnum):
    """Where a send stands before it is settled."""

    WAITING = "waiting"
    ATTEMPTING = "attempting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is kept of a send. `html` and `buttons` are what was shown, where a picture may join it later; `rest_s` is
    how long it must be left alone, from the moment in which it was read.
    """

    send_id: str
    state: Progress | DeliveryState
    attempts: int = 0
    repeats: int = 0
    message_id: int | None = None
    reason: str = ""
    deactivate: bool = False
    rest_s: float = 0.0
    html: str | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """Call the API: attempt number `attempt`; `repeats` of them may have been seen already."""

    attempt: int
    repeats: int = 0

    @property
    def is_repeat(self) -> bool:
        """Return whether the person may have read it before, so that the text must say so."""
        return self.repeats > 0


@dataclass(frozen=True, slots=True)
class Close:
    """Settle the send without a call."""

    state: DeliveryState
    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """It was settled before: say so again, call nobody."""

    row: Row


@dataclass(frozen=True, slots=True)
class Wait:
    """Leave it alone for `delay_s`: somebody asked for a rest that is not over, perhaps in another process."""

    delay_s: float


Plan = Call | Close | Settled | Wait


def plan(row: Row | None, kind: SendClass, *, is_idempotent: bool, is_expired: bool) -> Plan:
    """Decide what to do with a send whose turn came."""
    if row is None:
        return Close(DeliveryState.EXPIRED, "expired") if is_expired else Call(1)
    if isinstance(row.state, DeliveryState):
        return Settled(row)
    if is_expired:
        return given_up(row, Close(DeliveryState.EXPIRED, "expired"), is_idempotent=is_idempotent)
    if row.state is Progress.ATTEMPTING:
        return _after_interruption(row, kind, is_idempotent=is_idempotent)
    if row.rest_s > 0:
        return Wait(row.rest_s)
    return Call(row.attempts + 1, row.repeats)


def given_up(row: Row | None, close: Close, *, is_idempotent: bool) -> Close:
    """Settle a send that will not be called again as `close` says, or as unknown where somebody may have read it."""
    if row is None or isinstance(row.state, DeliveryState):
        return close
    may_have_arrived = row.repeats > 0 or (row.state is Progress.ATTEMPTING and not is_idempotent)
    return Close(DeliveryState.UNKNOWN, close.reason) if may_have_arrived else close


def _after_interruption(row: Row, kind: SendClass, *, is_idempotent: bool) -> Plan:
    repeats = after_unknown(kind, row.repeats, is_idempotent=is_idempotent)
    if repeats is None:
        return Close(DeliveryState.UNKNOWN, "interrupted")
    return Call(row.attempts + 1, repeats)


def after_unknown(kind: SendClass, repeats: int, *, is_idempotent: bool) -> int | None:
    """Return the repeats that the next call will have made, or None where there must be no next call.

    A call that does the same when it is made twice (an edit) is simply made again.
    """
    if is_idempotent:
        return repeats
    if kind in REPEATED and repeats < MOST_REPEATS:
        return repeats + 1
    return None


def patience_s(kind: SendClass, *, is_idempotent: bool) -> float | None:
    """Tell how long the answer to a call is worth waiting for; None: as long as the client waits, since giving up early
    would make a repeat of what arrived.
    """
    return None if is_idempotent or kind in REPEATED else UNREPEATED_PATIENCE_S


def backoff_s(attempt: int) -> float:
    """Tell how long to wait after failed attempt number `attempt`: 0.5, 1, 2 … 30 seconds."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempt - 1, 10))
