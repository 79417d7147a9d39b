"""The bot's command menus, by scope and language."""

import re
from typing import Any

from sandbox.telegram_api.chats import Chat
from sandbox.telegram_api.errors import bad_request

Json = dict[str, Any]

_MOST_COMMANDS = 100
_LONGEST_DESCRIPTION = 256
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SCOPES = frozenset(
    {
        "default",
        "all_private_chats",
        "all_group_chats",
        "all_chat_administrators",
        "chat",
        "chat_administrators",
        "chat_member",
    }
)


class CommandStore:
    """Keeps one list of commands per (scope, language)."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], list[Json]] = {}

    def set(self, scope: str, language: str, commands: Any) -> None:
        """Replace a list. Raises ApiError (400) for a command that Telegram would refuse."""
        if not isinstance(commands, list):
            raise bad_request("can't parse commands JSON object")
        if len(commands) > _MOST_COMMANDS:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        self._lists[scope, language] = [_checked(one) for one in commands]

    def get(self, scope: str, language: str) -> list[Json]:
        """Return exactly this list; empty when it was never set."""
        return self._lists.get((scope, language), [])

    def delete(self, scope: str, language: str) -> None:
        """Forget a list, so that the next wider one applies."""
        self._lists.pop((scope, language), None)

    def shown_in(self, chat: Chat) -> list[Json]:
        """Return the menu that the people of a chat see: the narrowest scope, their language before none."""
        wide = "all_private_chats" if chat.is_private else "all_group_chats"
        for scope in (f"chat:{chat.id}", wide, "default"):
            for language in (chat.language_code.partition("-")[0], ""):
                if commands := self._lists.get((scope, language)):
                    return commands
        return []


def scope_key(scope: Any) -> tuple[str, str]:
    """Return (kind, chat reference) of a BotCommandScope; the reference is empty for the wide ones.

    Raises ApiError (400).
    """
    if scope is None:
        return "default", ""
    kind = scope.get("type") if isinstance(scope, dict) else None
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    return kind, str(scope.get("chat_id", "")) if kind.startswith("chat") else ""


def _checked(command: Any) -> Json:
    """Return a command as it is kept. Raises ApiError (400)."""
    if not isinstance(command, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    name = str(command.get("command", "")).removeprefix("/")
    description = str(command.get("description", "")).strip()
    if not _COMMAND.fullmatch(name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= _LONGEST_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}
