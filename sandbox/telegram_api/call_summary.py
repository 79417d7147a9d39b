"""What the journal keeps of a call: enough to count messages by content, no file bytes and no secret."""

import json
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.world import World

Json = dict[str, Any]

_TEXTS = ("text", "caption", "parse_mode", "action", "callback_query_id", "url", "language_code", "file_id")
_NUMBERS = ("message_id", "message_thread_id", "offset", "limit", "timeout")
_FLAGS = ("disable_notification", "protect_content", "allow_paid_broadcast", "show_alert", "drop_pending_updates")


def summarise(world: World, call: Call) -> Json:
    """Return the call's parameters as the journal shows them."""
    summary: Json = {name: call.text(name) for name in _TEXTS if call.text(name)}
    summary |= {name: call.integer(name) for name in _NUMBERS if name in call.parameters}
    summary |= {name: True for name in _FLAGS if call.boolean(name)}
    for kind in ("photo", "document"):
        if kind in call.parameters or kind in call.uploads:
            summary[kind] = _summarise_file(world, call, call.text(kind), kind)
    media = _parsed(call.text("media"))
    if media is not None:
        summary["media"] = [
            _summarise_media(world, call, one) for one in (media if isinstance(media, list) else [media])
        ]
    if (reply_to := _replied_to(call)) is not None:
        summary["reply_to"] = reply_to
    if buttons := _button_texts(_parsed(call.text("reply_markup"))):
        summary["buttons"] = buttons
    return summary


def _summarise_media(world: World, call: Call, media: Any) -> Json:
    if not isinstance(media, dict):
        return {}
    shown = {name: media[name] for name in ("type", "caption") if media.get(name)}
    return {**shown, "file": _summarise_file(world, call, str(media.get("media", "")), "")}


def _summarise_file(world: World, call: Call, reference: str, part: str) -> Json:
    """Return whether a file was uploaded or sent again, and the hash of its content."""
    upload = call.uploads.get(reference.removeprefix("attach://")) or call.uploads.get(part)
    if upload is not None:
        return {"is_upload": True, "key": world.files.key_of_content(upload.content), "bytes": len(upload.content)}
    return {"is_upload": False, "key": world.files.key_of(reference)}


def _replied_to(call: Call) -> int | None:
    parameters = _parsed(call.text("reply_parameters"))
    if isinstance(parameters, dict) and isinstance(parameters.get("message_id"), int):
        return int(parameters["message_id"])
    return call.integer("reply_to_message_id") or None


def _button_texts(markup: Any) -> list[list[str]]:
    """Return the texts of the inline buttons, row by row."""
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list):
        return []
    return [[str(one.get("text")) for one in row if isinstance(one, dict)] for row in rows if isinstance(row, list)]


def _parsed(raw: str) -> Any:
    """Return a nested value; None where it is absent or malformed, which the method itself complains about."""
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None
