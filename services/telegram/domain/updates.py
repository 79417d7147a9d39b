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


@dataclass(frozen=True, slots=True)
class Voice:
    """A person who spoke in a private chat, and how his Telegram reads; `press_id` where he pressed a button."""

    chat_id: int
    language_code: str | None = None
    press_id: str | None = None


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


def voice(raw: bytes) -> Voice | None:
    """Tell who waits for an answer to an update; None where nobody does, or it is not what we know."""
    try:
        update = json.loads(raw)
    except ValueError:
        return None
    press = _found(update, "callback_query")
    spoken = _found(update, "message") if press is None else _found(press, "message")
    chat_id, press_id = _found(spoken, "chat", "id"), _found(press, "id")
    if type(chat_id) is not int or _found(spoken, "chat", "type") != "private":
        return None
    if press is None and _found(spoken, "text") is None:
        return None
    language = _found(press or spoken, "from", "language_code")
    return Voice(
        chat_id=chat_id,
        language_code=language if isinstance(language, str) else None,
        press_id=press_id if isinstance(press_id, str) else None,
    )


def _found(body: Any, *path: str) -> Any:
    """Follow names into an object; None where one is not there."""
    for step in path:
        body = body.get(step) if isinstance(body, dict) else None
    return body


def _owner(body: Any) -> int:
    """Find the chat, or the person where there is none. A press happens in the chat of its message."""
    for path in (("chat", "id"), ("message", "chat", "id"), ("from", "id"), ("user", "id")):
        found = _found(body, *path)
        if type(found) is int:
            return found
    return NOBODY
