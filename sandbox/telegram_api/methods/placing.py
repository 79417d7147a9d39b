"""What every send method has in common: where a message goes, what it replies to, and how it is put there."""

import time
from dataclasses import dataclass
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.chats import Chat
from sandbox.telegram_api.errors import bad_request
from sandbox.telegram_api.keyboards import read_markup
from sandbox.telegram_api.messages import Content, Message
from sandbox.telegram_api.world import World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes and what comes with it."""

    chat: Chat
    reply_to: Message | None
    quote: Json | None
    markup: Json | None
    is_protected: bool
    is_silent: bool
    thread_id: int | None = None


def read_place(world: World, call: Call) -> Place:
    """Read what all send methods share. Raises ApiError (400, 403)."""
    markup = read_markup(call)
    chat = world.chats.find_open(call.text("chat_id"))
    thread_id = call.integer("message_thread_id") or None
    if thread_id is not None and thread_id not in chat.topics:
        raise bad_request("message thread not found")
    reply_to, quote = _read_reply(call, chat)
    is_protected, is_silent = call.boolean("protect_content"), call.boolean("disable_notification")
    return Place(chat, reply_to, quote, markup, is_protected, is_silent, thread_id)


def put(world: World, place: Place, content: Content, *, media_group_id: str | None = None) -> Message:
    """Post the bot's message."""
    message = Message(
        message_id=world.chats.next_message_id(place.chat),
        chat=place.chat.render(),
        sender=None if place.chat.kind == "channel" else world.bot,
        date=int(time.time()),
        content=content,
        is_from_bot=True,
        markup=place.markup,
        reply_to=place.reply_to,
        quote=place.quote,
        media_group_id=media_group_id,
        is_protected=place.is_protected,
        is_silent=place.is_silent,
        thread_id=place.thread_id,
    )
    _keep_reply_keyboard(place)
    world.post(place.chat, message)
    return message


def _keep_reply_keyboard(place: Place) -> None:
    """Show or remove the keyboard that stands in for the phone's own."""
    if place.markup is not None and "keyboard" in place.markup:
        place.chat.reply_keyboard = place.markup
    elif place.markup is not None and "remove_keyboard" in place.markup:
        place.chat.reply_keyboard = None


def _read_reply(call: Call, chat: Chat) -> tuple[Message | None, Json | None]:
    """Find the message to reply to, by `reply_parameters` or the older `reply_to_message_id`."""
    parameters = call.structure("reply_parameters", "reply parameters")
    if parameters is None:
        message_id, is_optional = call.integer("reply_to_message_id"), call.boolean("allow_sending_without_reply")
        parameters = {}
    elif isinstance(parameters, dict):
        message_id = int(parameters.get("message_id") or 0)
        is_optional = bool(parameters.get("allow_sending_without_reply"))
    else:
        raise bad_request("object expected as reply parameters")
    if not message_id:
        return None, None
    replied = chat.message(message_id)
    if replied is None and not is_optional:
        raise bad_request("message to be replied not found")
    return replied, None if replied is None else _read_quote(parameters.get("quote"), replied)


def _read_quote(quote: Any, replied: Message) -> Json | None:
    """Check that a quote is a part of what it quotes."""
    if not quote:
        return None
    position = replied.content.text.text.find(str(quote))
    if position < 0:
        raise bad_request("QUOTE_TEXT_INVALID")
    return {"text": str(quote), "position": position, "is_manual": True}
