"""Files in a call: a multipart part, `attach://part`, or the file_id of something sent before."""

from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.errors import bad_request
from sandbox.telegram_api.files import FileKind, StoredFile
from sandbox.telegram_api.formatted_text import format_caption
from sandbox.telegram_api.messages import Content
from sandbox.telegram_api.world import World

_ATTACH = "attach://"
_MEDIA_KINDS: dict[str, FileKind] = {"photo": "photo", "document": "document"}


def read_file(world: World, call: Call, kind: FileKind, reference: str, part: str = "") -> StoredFile:
    """Return the file that a parameter means; `part` is the multipart part of the parameter's own name.

    Raises ApiError (400).
    """
    name = reference.removeprefix(_ATTACH) if reference.startswith(_ATTACH) else part
    if name in call.uploads:
        return world.files.add(kind, call.uploads[name])
    if not reference:
        raise bad_request(f"there is no {kind} in the request")
    return world.files.find(kind, reference)


def read_media(world: World, call: Call, media: Any) -> Content:
    """Read one InputMedia object. Raises ApiError (400)."""
    if not isinstance(media, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    kind = _MEDIA_KINDS.get(str(media.get("type")))
    if kind is None:
        raise bad_request("can't parse InputMedia: media type is not supported by the sandbox (photo, document)")
    if not media.get("media"):
        raise bad_request("can't parse InputMedia: media not found")
    caption = format_caption(
        str(media.get("caption") or ""), str(media.get("parse_mode") or ""), media.get("caption_entities")
    )
    return Content(
        text=caption,
        media=read_file(world, call, kind, str(media["media"])),
        has_spoiler=bool(media.get("has_spoiler")),
        is_caption_above=bool(media.get("show_caption_above_media")),
    )
