"""Methods that put something new into a chat."""

import uuid
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.errors import bad_request
from sandbox.telegram_api.files import FileKind
from sandbox.telegram_api.formatted_text import read_caption, read_text
from sandbox.telegram_api.messages import Content
from sandbox.telegram_api.methods.attachments import read_file, read_media
from sandbox.telegram_api.methods.placing import put, read_place
from sandbox.telegram_api.world import World

Json = dict[str, Any]

MEDIA_IN_GROUP = range(2, 11)
_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


async def send_message(world: World, call: Call) -> Json:
    """Send a text."""
    content = Content(read_text(call), link_preview=read_link_preview(call))
    return put(world, read_place(world, call), content).render()


async def send_photo(world: World, call: Call) -> Json:
    """Send a photo, new or by file_id."""
    return _send_file(world, call, "photo")


async def send_document(world: World, call: Call) -> Json:
    """Send a file as it is, new or by file_id."""
    return _send_file(world, call, "document")


async def send_media_group(world: World, call: Call) -> list[Json]:
    """Send an album; all or nothing."""
    items = call.structure("media", "media")
    if not isinstance(items, list) or len(items) not in MEDIA_IN_GROUP:
        raise bad_request("wrong number of messages to send as an album: 2-10 are expected")
    contents = [read_media(world, call, one) for one in items]
    if len({one.media.kind for one in contents if one.media is not None}) > 1:
        raise bad_request("documents can't be mixed with other media types")
    place, group = read_place(world, call), str(uuid.uuid4().int % 10**17)
    return [put(world, place, one, media_group_id=group).render() for one in contents]


async def send_chat_action(world: World, call: Call) -> bool:
    """Show for a moment what the bot is doing."""
    chat = world.chats.find_open(call.text("chat_id"))
    action = call.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.events.tell("action", chat_id=chat.id, action=action)
    return True


def read_link_preview(call: Call) -> Json | None:
    """Read `link_preview_options`, or the older `disable_web_page_preview`. Raises ApiError (400)."""
    options = call.structure("link_preview_options", "link preview options")
    if options is None:
        return {"is_disabled": True} if call.boolean("disable_web_page_preview") else None
    if not isinstance(options, dict):
        raise bad_request("object expected as link preview options")
    return options or None


def _send_file(world: World, call: Call, kind: FileKind) -> Json:
    caption = read_caption(call)
    place = read_place(world, call)
    content = Content(
        text=caption,
        media=read_file(world, call, kind, call.text(kind), kind),
        has_spoiler=call.boolean("has_spoiler"),
        is_caption_above=call.boolean("show_caption_above_media"),
    )
    return put(world, place, content).render()
