"""A text with its entities: read from a call, trimmed, measured, and completed with what Telegram finds by itself.

Offsets and lengths count UTF-16 code units; the limits of a text count code points.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.errors import bad_request
from sandbox.telegram_api.html_markup import MarkupError, parse_html

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_RAW_BYTES = 32_768

_WITH_SCHEME = r"\bhttps?://[^\s<>\"']*[^\s<>\"'.,:;!?()\[\]]"
_BARE_DOMAIN = r"(?<![@\w.])(?:[a-z0-9-]+\.)+(?:com|org|net|io|me|id|dev)\b(?![\w@])(?:/[^\s<>\"']*[^\s<>\"'.,:;!?()])?"
_FOUND = (
    ("url", re.compile(_WITH_SCHEME + "|" + _BARE_DOMAIN, re.IGNORECASE)),
    ("email", re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w")),
    ("bot_command", re.compile(r"(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w@])@[A-Za-z][A-Za-z0-9_]{3,31}\b")),
    ("hashtag", re.compile(r"(?<![\w#])#(?=\w*[^\W\d])\w{1,255}")),
    ("cashtag", re.compile(r"(?<![\w$])\$[A-Z]{3,8}\b")),
)
_CLOSED_TO_SEARCH = frozenset({"code", "pre", "text_link", "text_mention"})


@dataclass(frozen=True, slots=True)
class FormattedText:
    """Plain text and its entities, in order of offset."""

    text: str = ""
    entities: tuple[dict[str, Any], ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.text)


def read_text(call: Call) -> FormattedText:
    """Read `text` with its formatting. Raises ApiError (400) when empty, too long or malformed."""
    raw = call.text("text")
    if not raw:
        raise bad_request("message text is empty")
    text = format_text(raw, call.text("parse_mode"), call.structure("entities", "MessageEntity"))
    if not text:
        raise bad_request("text must be non-empty")
    if len(text.text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    return text


def read_caption(call: Call) -> FormattedText:
    """Read `caption` with its formatting; empty is allowed. Raises ApiError (400)."""
    return format_caption(
        call.text("caption"), call.text("parse_mode"), call.structure("caption_entities", "MessageEntity")
    )


def format_caption(raw: str, parse_mode: str, entities: Any) -> FormattedText:
    """Format a caption. Raises ApiError (400)."""
    caption = format_text(raw, parse_mode, entities)
    if len(caption.text) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    return caption


def format_text(raw: str, parse_mode: str, entities: Any) -> FormattedText:
    """Turn a raw text into what is stored. Raises ApiError (400)."""
    if len(raw.encode("utf-8", "replace")) > LONGEST_RAW_BYTES:
        raise bad_request("text is too long")
    if not parse_mode or parse_mode.lower() == "none":
        return finish_text(raw, _given_entities(entities, raw))
    if parse_mode.lower() != "html":
        raise bad_request("unsupported parse_mode")
    try:
        text, found = parse_html(raw)
    except MarkupError as error:
        raise bad_request(f"can't parse entities: {error}") from error
    return finish_text(text, found)


def finish_text(text: str, entities: list[dict[str, Any]]) -> FormattedText:
    """Trim a text at both ends, move its entities along, and add those that Telegram finds by itself."""
    if not entities:
        text = text.replace("\r", "")
    trimmed = text.strip()
    shift = utf16_length(text[: len(text) - len(text.lstrip())])
    kept = list(_trimmed(entities, shift, utf16_length(trimmed)))
    kept += _found(trimmed, kept)
    return FormattedText(trimmed, tuple(sorted(kept, key=lambda one: (one["offset"], -one["length"]))))


def utf16_length(text: str) -> int:
    """Count the UTF-16 code units of a text."""
    return len(text) + sum(character > "\uffff" for character in text)


def _trimmed(entities: list[dict[str, Any]], shift: int, length: int) -> Iterator[dict[str, Any]]:
    """Yield the entities moved left by `shift` and cut to `length`; empty ones are dropped."""
    for entity in entities:
        begin = max(0, entity["offset"] - shift)
        end = min(length, entity["offset"] + entity["length"] - shift)
        if end > begin:
            yield {**entity, "offset": begin, "length": end - begin}


def _found(text: str, present: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Find addresses, commands, mentions and tags outside of code and links; the first kind found wins a place."""
    taken = [_range(one) for one in present if one["type"] in _CLOSED_TO_SEARCH]
    found = []
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            offset = utf16_length(text[: match.start()])
            entity = {"type": kind, "offset": offset, "length": utf16_length(match.group())}
            place = _range(entity)
            if not any(place.start < other.stop and other.start < place.stop for other in taken):
                taken.append(place)
                found.append(entity)
    return found


def _range(entity: dict[str, Any]) -> range:
    return range(entity["offset"], entity["offset"] + entity["length"])


def _given_entities(entities: Any, text: str) -> list[dict[str, Any]]:
    """Check the entities that came ready-made beside a text without markup. Raises ApiError (400)."""
    if entities is None:
        return []
    if not isinstance(entities, list) or not all(isinstance(one, dict) for one in entities):
        raise bad_request("can't parse MessageEntity: expected an Array of MessageEntity")
    length = utf16_length(text)
    for one in entities:
        offset, size = one.get("offset"), one.get("length")
        if not isinstance(offset, int) or not isinstance(size, int) or not isinstance(one.get("type"), str):
            raise bad_request("can't parse MessageEntity: fields type, offset and length are required")
        if offset < 0 or size <= 0 or offset + size > length:
            raise bad_request("entity beginning or end is outside of the text")
    return [{name: value for name, value in one.items() if value is not None} for one in entities]
