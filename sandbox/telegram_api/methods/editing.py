"""Methods that change or remove a message of the bot."""

import time
from dataclasses import replace
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.chats import Chat
from sandbox.telegram_api.errors import bad_request, not_modified
from sandbox.telegram_api.formatted_text import read_caption, read_text
from sandbox.telegram_api.keyboards import read_markup
from sandbox.telegram_api.messages import Content, Message
from sandbox.telegram_api.methods.attachments import read_media
from sandbox.telegram_api.methods.sending import read_link_preview
from sandbox.telegram_api.world import World

Json = dict[str, Any]

DELETABLE_FOR_S = 48 * 3600
MOST_DELETED_AT_ONCE = 100


async def edit_message_text(world: World, call: Call) -> Json:
    """Replace the text of a text message; a missing keyboard removes the old one, as with every edit."""
    text = read_text(call)
    chat, message = _find_own(world, call)
    if message.content.media is not None:
        raise bad_request("there is no text in the message to edit")
    return _change(world, chat, message, call, Content(text, link_preview=read_link_preview(call)))


async def edit_message_caption(world: World, call: Call) -> Json:
    """Replace the caption of a photo or a document."""
    caption = read_caption(call)
    chat, message = _find_own(world, call)
    if message.content.media is None:
        raise bad_request("there is no caption in the message to edit")
    is_above = call.boolean("show_caption_above_media")
    return _change(world, chat, message, call, replace(message.content, text=caption, is_caption_above=is_above))


async def edit_message_media(world: World, call: Call) -> Json:
    """Replace the file, or add one to a text message."""
    chat, message = _find_own(world, call)
    content = read_media(world, call, call.structure("media", "media"))
    return _change(world, chat, message, call, content)


async def edit_message_reply_markup(world: World, call: Call) -> Json:
    """Replace the buttons alone."""
    chat, message = _find_own(world, call)
    return _change(world, chat, message, call, message.content)


async def delete_message(world: World, call: Call) -> bool:
    """Delete one message."""
    chat = world.chats.find_open(call.text("chat_id"))
    message = chat.message(call.integer("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    is_foreign = not message.is_from_bot and not chat.is_private
    if is_foreign or time.time() - message.date > DELETABLE_FOR_S:
        raise bad_request("message can't be deleted")
    world.remove(chat, message)
    return True


async def delete_messages(world: World, call: Call) -> bool:
    """Delete several messages; those that are gone already are skipped."""
    chat = world.chats.find_open(call.text("chat_id"))
    identifiers = call.structure("message_ids", "message identifiers")
    if not isinstance(identifiers, list) or not 1 <= len(identifiers) <= MOST_DELETED_AT_ONCE:
        raise bad_request("message identifiers are not specified")
    for message in [chat.message(int(one)) for one in identifiers]:
        if message is not None:
            world.remove(chat, message)
    return True


def _find_own(world: World, call: Call) -> tuple[Chat, Message]:
    """Return the bot's message to edit. Raises ApiError (400, 403)."""
    if not call.text("chat_id") and call.text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    if not call.integer("message_id"):
        raise bad_request("message identifier is not specified")
    chat = world.chats.find_open(call.text("chat_id"))
    message = chat.message(call.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if not message.is_from_bot:
        raise bad_request("message can't be edited")
    return chat, message


def _change(world: World, chat: Chat, message: Message, call: Call, content: Content) -> Json:
    """Apply an edit, or refuse one that changes nothing."""
    markup = read_markup(call)
    if content == message.content and markup == message.inline_keyboard:
        raise not_modified()
    world.change(chat, message, content, markup)
    return message.render()
