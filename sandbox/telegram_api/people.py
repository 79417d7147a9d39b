"""What people do: they write, press buttons, and close the door on the bot."""

import secrets
import time
from typing import Any

from sandbox.telegram_api.chats import Access, Chat
from sandbox.telegram_api.formatted_text import finish_text
from sandbox.telegram_api.keyboards import find_button
from sandbox.telegram_api.messages import Content, Message
from sandbox.telegram_api.world import Press, World

Json = dict[str, Any]


def write_text(world: World, chat: Chat, text: str, reply_to: Message | None = None) -> Message:
    """Let the person of a chat write. Raises ValueError for an empty text or a person who blocked the bot."""
    formatted = finish_text(text, [])
    if not formatted:
        raise ValueError("text is empty")
    if chat.access is not Access.OPEN:
        raise ValueError(f"the chat is {chat.access.value}: unblock it first")
    message = Message(
        message_id=world.chats.next_message_id(chat),
        chat=chat.render(),
        sender=None if chat.kind == "channel" else chat.person(),
        date=int(time.time()),
        content=Content(formatted),
        is_from_bot=False,
        reply_to=reply_to,
    )
    world.post(chat, message)
    world.updates.push(
        "channel_post" if chat.kind == "channel" else "message",
        message.render(),
        queue=f"chat:{chat.id}",
        life_s=world.settings.webhook.message_life_s,
        confirmed=lambda: world.mark_seen(chat, message),
    )
    return message


def press_button(world: World, chat: Chat, message_id: int, data: str) -> str:
    """Let the person press an inline button; return the callback query's id.

    Raises ValueError when there is no such button, or the person blocked the bot.
    """
    message = chat.message(message_id)
    if message is None or find_button(message.inline_keyboard, data) is None:
        raise ValueError(f"message {message_id} has no button with this data")
    if chat.access is not Access.OPEN:
        raise ValueError(f"the chat is {chat.access.value}: unblock it first")
    query_id = str(secrets.randbits(62))
    query: Json = {
        "id": query_id,
        "from": chat.person(),
        "message": message.render(),
        "chat_instance": str(abs(chat.id) * 7919),
        "data": data,
    }
    _forget_old_presses(world)
    world.presses[query_id] = Press(chat.id, message_id, time.time() + world.settings.callback_answer_s)
    life_s = world.settings.webhook.callback_life_s
    world.updates.push("callback_query", query, queue=f"user:{query['from']['id']}", life_s=life_s)
    return query_id


def change_access(world: World, chat: Chat, access: Access) -> None:
    """Let the person block or unblock the bot (in a group: remove it or take it back); the bot is told of a change."""
    if chat.access is access:
        return
    before, chat.access = chat.access, access
    world.tell_chat(chat)
    if Access.DEACTIVATED in (before, access):
        return
    change = {
        "chat": chat.render(),
        "from": chat.person(),
        "date": int(time.time()),
        "old_chat_member": _membership(world, before),
        "new_chat_member": _membership(world, access),
    }
    life_s = world.settings.webhook.message_life_s
    world.updates.push("my_chat_member", change, queue=f"chat:{chat.id}", life_s=life_s)


def upgrade(world: World, group: Chat) -> Chat:
    """Turn a group into a supergroup with another id; the bot is told, and the old id is refused from now on.

    Raises ValueError for a chat that is no group, or was one.
    """
    if group.kind != "group" or group.moved_to is not None:
        raise ValueError(f"chat {group.id} is no group that can become a supergroup")
    new = world.chats.create(Chat(world.chats.next_id("supergroup"), "supergroup", group.name, group.language_code))
    group.moved_to = new.id
    for chat, said in ((group, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": group.id})):
        place = {"message_id": world.chats.next_message_id(chat), "date": int(time.time()), "chat": chat.render()}
        life_s = world.settings.webhook.message_life_s
        world.updates.push("message", {**place, "from": chat.person(), **said}, queue=f"chat:{chat.id}", life_s=life_s)
    world.tell_chat(new)
    return new


def open_topic(chat: Chat, name: str) -> int:
    """Open a topic in a supergroup; return its thread id. Raises ValueError for another kind of chat."""
    if chat.kind != "supergroup":
        raise ValueError("only a supergroup has topics")
    thread_id = max(chat.topics, default=1) + 1
    chat.topics[thread_id] = name
    return thread_id


def _membership(world: World, access: Access) -> Json:
    """Return the bot's place in a chat as a ChatMember."""
    if access is Access.OPEN:
        return {"user": world.bot, "status": "member"}
    return {"user": world.bot, "status": "kicked", "until_date": 0}


def _forget_old_presses(world: World) -> None:
    """Drop the presses that can no longer be answered."""
    now = time.time()
    for query_id in [one for one, press in world.presses.items() if press.expires_at < now]:
        del world.presses[query_id]
