"""What can be told of a raw update without believing the rest of it: its number, and whose turn it takes."""

import json
from dataclasses import dataclass
from typing import Any

NOBODY = 0
"""The order key of an update that names neither a chat nor a person."""


@dataclass(frozen=True, slots=True)
class Peek:
    """The number Telegram gave it, the chat or person it belongs to, and its kind (`message`, `callback_query`)."""

    update_id: int
    key: int
    kind: str


class NoUpdateError(ValueError):
    """The bytes are no update: not a JSON object with a whole `update_id`."""


def peek(raw: bytes) -> Peek:
    """Look at an update.

    Raises:
        NoUpdateError: it has no number, so that it could not even be confirmed.
    """
    try:
        update = json.loads(raw)
        number = update["update_id"]
    except (ValueError, KeyError, TypeError) as e:
        raise NoUpdateError("no update_id") from e
    if type(number) is not int:
        raise NoUpdateError("update_id is no whole number")
    kind = next((name for name in update if name != "update_id"), "nothing")
    return Peek(number, _owner(update.get(kind)), kind)


def _owner(body: Any) -> int:
    """Find the chat, or the person where there is none. A press happens in the chat of its message."""
    for path in (("chat", "id"), ("message", "chat", "id"), ("from", "id"), ("user", "id")):
        found = body
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        if type(found) is int:
            return found
    return NOBODY
