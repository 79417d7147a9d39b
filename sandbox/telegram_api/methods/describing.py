"""Methods about the bot, its commands, chats and files."""

from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.commands import scope_key
from sandbox.telegram_api.world import World

Json = dict[str, Any]

_NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


async def get_me(world: World, call: Call) -> Json:  # noqa: ARG001 - every method has one shape
    """Return the bot with what only the bot itself may know."""
    return {
        **world.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def set_my_commands(world: World, call: Call) -> bool:
    """Replace a command menu."""
    commands = call.structure("commands", "commands")
    world.commands.set(_scope(world, call), call.text("language_code"), commands)
    world.events.tell("commands")
    return True


async def get_my_commands(world: World, call: Call) -> list[Json]:
    """Return one command menu, exactly for the scope and the language."""
    return world.commands.get(_scope(world, call), call.text("language_code"))


async def delete_my_commands(world: World, call: Call) -> bool:
    """Remove a command menu."""
    world.commands.delete(_scope(world, call), call.text("language_code"))
    world.events.tell("commands")
    return True


async def get_chat(world: World, call: Call) -> Json:
    """Return a chat in full."""
    chat = world.chats.find_open(call.text("chat_id"))
    full: Json = {**chat.render(), "accent_color_id": abs(chat.id) % 7, "max_reaction_count": 11}
    if chat.username:
        full["active_usernames"] = [chat.username]
    if not chat.is_private:
        full["permissions"] = {"can_send_messages": True}
    return full | {"accepted_gift_types": _NO_GIFTS}


async def get_file(world: World, call: Call) -> Json:
    """Return where a file can be downloaded."""
    return world.files.describe(call.text("file_id"))


async def log_out(world: World, call: Call) -> bool:  # noqa: ARG001 - every method has one shape
    """Accept leaving this server; there is no other one to go to."""
    return True


def _scope(world: World, call: Call) -> str:
    """Return the key of a command scope. Raises ApiError (400) for an unknown chat."""
    kind, reference = scope_key(call.structure("scope", "BotCommandScope"))
    if not kind.startswith("chat"):
        return kind
    return f"{kind}:{world.chats.find(reference).id}"
