"""What became of a call of the Bot API: one table, from what was seen on the wire to what it means.

The Bot API has no idempotency key: after a cut connection, a timeout or an answer that nobody can read, the message
may have been delivered or not. That is an outcome of its own here (`UNKNOWN`), never a retry in disguise.

Source: architecture, section 7; wording of the descriptions: tdlib/telegram-bot-api.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What was seen instead of a result."""

    NOT_CONNECTED = "not_connected"
    CUT = "cut"
    TIMED_OUT = "timed_out"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    SAID_NO = "said_no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed call. `code`, `description` and the rest are the API's own words where it said no; `moved_to` is the new
    id of a chat that has become a supergroup.
    """

    kind: FaultKind
    code: int = 0
    description: str = ""
    retry_after_s: float | None = None
    moved_to: int | None = None


class Verdict(StrEnum):
    """What a failed call means for its message."""

    UNCHANGED = "unchanged"
    RETRY = "retry"
    FLOOD = "flood"
    LOCKED_OUT = "locked_out"
    UNREACHABLE = "unreachable"
    GONE = "gone"
    LOST_FILE = "lost_file"
    MOVED = "moved"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and its reason in constant words; `delay_s` where the API asked for a rest, `moved_to` where the chat
    has another id now.
    """

    verdict: Verdict
    reason: str
    delay_s: float | None = None
    moved_to: int | None = None


DEFAULT_FLOOD_S = 5.0
"""A 429 that does not say how long. The API itself says 5 when it restarts."""

_RETRY_AFTER = re.compile(r"retry after (\d+)", re.IGNORECASE)
_UNCHANGED = ("message is not modified",)
_UNREACHABLE = (
    "chat not found",
    "user is deactivated",
    "bot was blocked",
    "user_is_blocked",
    "input_user_deactivated",
    "peer_id_invalid",
    "chat_write_forbidden",
)
_GONE = (
    "message to edit not found",
    "message can't be edited",
    "there is no text in the message to edit",
    "there is no caption in the message to edit",
    "there is no media in the message to edit",
    "message_id_invalid",
)
_LOST_FILE = ("wrong file identifier", "wrong remote file identifier", "wrong file_id", "file reference")
_SENT_AND_LOST = "sent message was immediately deleted"


def judge(fault: Fault) -> Outcome:
    """Tell what a failed call means."""
    if fault.kind is FaultKind.NOT_CONNECTED:
        return Outcome(Verdict.RETRY, "not connected")
    if fault.kind is not FaultKind.SAID_NO:
        return Outcome(Verdict.UNKNOWN, fault.kind.value.replace("_", " "))
    return _judge_answer(fault)


def _judge_answer(fault: Fault) -> Outcome:
    if fault.code == 429 or (fault.code == 400 and "too many requests" in fault.description.lower()):
        return Outcome(Verdict.FLOOD, "too many requests", _rest_s(fault))
    if fault.code == 403:
        return Outcome(Verdict.UNREACHABLE, _reason(fault))
    if fault.code in (401, 404, 421):
        return Outcome(Verdict.LOCKED_OUT, _reason(fault))
    if fault.code >= 500:
        verdict = Verdict.UNKNOWN if _SENT_AND_LOST in fault.description.lower() else Verdict.RETRY
        return Outcome(verdict, _reason(fault))
    if fault.code == 409:
        return Outcome(Verdict.RETRY, _reason(fault))
    return _judge_refusal(fault)


def _judge_refusal(fault: Fault) -> Outcome:
    """Only the words tell one 400 from another, but for a chat that has another id now."""
    if fault.moved_to is not None:
        return Outcome(Verdict.MOVED, _reason(fault), moved_to=fault.moved_to)
    description = fault.description.lower()
    for phrases, verdict in (
        (_UNCHANGED, Verdict.UNCHANGED),
        (_UNREACHABLE, Verdict.UNREACHABLE),
        (_GONE, Verdict.GONE),
        (_LOST_FILE, Verdict.LOST_FILE),
    ):
        if any(phrase in description for phrase in phrases):
            return Outcome(verdict, _reason(fault))
    return Outcome(Verdict.DEAD, _reason(fault))


def _rest_s(fault: Fault) -> float:
    if fault.retry_after_s is not None:
        return fault.retry_after_s
    told = _RETRY_AFTER.search(fault.description)
    return float(told[1]) if told else DEFAULT_FLOOD_S


def _reason(fault: Fault) -> str:
    return f"{fault.code} {fault.description}".strip()[:200]
