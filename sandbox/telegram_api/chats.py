"""Chats and the people in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from sandbox.telegram_api.errors import ApiError, bad_request, forbidden
from sandbox.telegram_api.messages import Message

Json = dict[str, Any]
ChatKind = Literal["private", "group", "supergroup", "channel"]
CHAT_KINDS: tuple[ChatKind, ...] = ("private", "group", "supergroup", "channel")

_FIRST_PERSON = 7_000_000_001
_FIRST_GROUP = 4_100_000_001
_SUPERGROUP_BASE = 1_000_000_000_000


class Access(StrEnum):
    """Whether the bot may write into a chat."""

    OPEN = "open"
    BLOCKED = "blocked"
    DEACTIVATED = "deactivated"


@dataclass(slots=True)
class Chat:
    """One chat. A private chat is one person; its id is the person's. `moved_to` is the supergroup that a group became;
    `topics` are threads of messages by their ids.
    """

    id: int
    kind: ChatKind
    name: str
    language_code: str = "en"
    username: str | None = None
    access: Access = Access.OPEN
    unread: int = 0
    messages: dict[int, Message] = field(default_factory=dict)
    reply_keyboard: Json | None = None
    last_message_id: int = 0
    moved_to: int | None = None
    topics: dict[int, str] = field(default_factory=dict)

    @property
    def is_private(self) -> bool:
        """Tell whether this is a person's chat with the bot."""
        return self.kind == "private"

    def render(self) -> Json:
        """Return the Bot API's Chat."""
        shown: Json = {"id": self.id, "type": self.kind}
        shown |= {"first_name": self.name} if self.is_private else {"title": self.name}
        if self.username:
            shown["username"] = self.username
        return shown | ({"is_forum": True} if self.topics else {})

    def person(self) -> Json:
        """Return the User who writes here: the chat's own person, or in a group the one stand-in member."""
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.name}
        if not self.is_private:
            user = {"id": _FIRST_PERSON - 1, "is_bot": False, "first_name": "Member"}
        elif self.username:
            user["username"] = self.username
        return user | {"language_code": self.language_code}

    def require_open(self) -> None:
        """Raise ApiError (403) when the bot may not write here."""
        if self.access is Access.OPEN:
            return
        if self.access is Access.DEACTIVATED:
            raise forbidden("user is deactivated")
        if self.is_private:
            raise forbidden("bot was blocked by the user")
        raise forbidden(f"bot was kicked from the {self.kind} chat")

    def message(self, message_id: int) -> Message | None:
        """Return a message of this chat; None when there is none (any more)."""
        return self.messages.get(message_id)

    def last_message(self) -> Message | None:
        """Return the newest message that was not deleted."""
        return next(reversed(self.messages.values()), None)


class ChatStore:
    """All chats of the bot, in order of creation."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}
        self._shared_message_id = 0

    def __iter__(self) -> Iterator[Chat]:
        return iter(self._chats.values())

    def create(self, chat: Chat) -> Chat:
        """Add a chat. Raises ValueError when the id is taken or does not fit the kind."""
        if chat.id in self._chats:
            raise ValueError(f"chat {chat.id} exists already")
        if (chat.id > 0) != chat.is_private:
            raise ValueError("the id of a private chat is positive, every other one is negative")
        self._chats[chat.id] = chat
        return chat

    def next_id(self, kind: ChatKind) -> int:
        """Return a free id that looks like the kind's."""
        number = 0
        while (chat_id := _numbered_id(kind, number)) in self._chats:
            number += 1
        return chat_id

    def get(self, chat_id: int) -> Chat | None:
        """Return a chat by number."""
        return self._chats.get(chat_id)

    def find(self, reference: str) -> Chat:
        """Return the chat that a call names by number or @username. Raises ApiError (400)."""
        if not reference:
            raise bad_request("chat_id is empty")
        chat = self._by_reference(reference)
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def find_open(self, reference: str) -> Chat:
        """Return the chat to write into. Raises ApiError (400, 403)."""
        chat = self.find(reference)
        if chat.moved_to is not None:
            parameters = {"migrate_to_chat_id": chat.moved_to}
            raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", parameters)
        chat.require_open()
        return chat

    def key_of(self, reference: str) -> int | str | None:
        """Return how a journal names the chat: its number, or the words of the call where they are no number."""
        chat = self._by_reference(reference)
        if chat is not None:
            return chat.id
        return int(reference) if reference.removeprefix("-").isdecimal() else reference or None

    def next_message_id(self, chat: Chat) -> int:
        """Number a message: per chat in supergroups and channels, over all chats elsewhere, as Telegram does."""
        if chat.kind in ("supergroup", "channel"):
            chat.last_message_id += 1
            return chat.last_message_id
        self._shared_message_id += 1
        return self._shared_message_id

    def _by_reference(self, reference: str) -> Chat | None:
        if reference.startswith("@"):
            wanted = reference[1:].lower()
            return next((one for one in self if (one.username or "").lower() == wanted and not one.is_private), None)
        try:
            return self._chats.get(int(reference))
        except ValueError:
            return None


def _numbered_id(kind: ChatKind, number: int) -> int:
    if kind == "private":
        return _FIRST_PERSON + number
    if kind == "group":
        return -(_FIRST_GROUP + number)
    return -(_SUPERGROUP_BASE + _FIRST_GROUP // 2 + number)
