"""Chats and messages as the page and the /sandbox answers show them: the Bot API's JSON and a `sandbox` part."""

from typing import Any

from sandbox.telegram_api.chats import Chat
from sandbox.telegram_api.messages import Message

Json = dict[str, Any]


def view_message(message: Message) -> Json:
    """Return a message with what only a page needs to know."""
    extra: Json = {
        "is_from_bot": message.is_from_bot,
        "is_silent": message.is_silent,
        "is_seen": message.is_seen,
    }
    media = message.content.media
    if media is not None:
        extra["file"] = {"url": f"sandbox/files/{media.path}", "kind": media.kind, "key": media.key}
    replied = message.reply_to
    if replied is not None and replied.content.media is not None:
        extra["reply_file"] = {"url": f"sandbox/files/{replied.content.media.path}", "kind": replied.content.media.kind}
    return {**message.render(), "sandbox": extra}


def view_chat(chat: Chat) -> Json:
    """Return a chat as a list shows it."""
    last = chat.last_message()
    return {
        "id": chat.id,
        "type": chat.kind,
        "name": chat.name,
        "username": chat.username,
        "language_code": chat.language_code,
        "access": chat.access.value,
        "unread": chat.unread,
        "message_count": len(chat.messages),
        "reply_keyboard": chat.reply_keyboard,
        "last_message": None if last is None else view_message(last),
    }
