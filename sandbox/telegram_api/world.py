"""Everything the server knows, and the few acts that change a chat and are told to the pages."""

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram_api.chats import Chat, ChatStore
from sandbox.telegram_api.commands import CommandStore
from sandbox.telegram_api.events import EventBroker
from sandbox.telegram_api.faults import FaultStore
from sandbox.telegram_api.files import FileStore
from sandbox.telegram_api.journal import Journal
from sandbox.telegram_api.limits import Limits
from sandbox.telegram_api.messages import Content, Message
from sandbox.telegram_api.settings import ServerSettings
from sandbox.telegram_api.updates import UpdateQueue
from sandbox.telegram_api.views import view_chat, view_message
from sandbox.telegram_api.webhook import WebhookDelivery

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button that waits for answerCallbackQuery."""

    chat_id: int
    message_id: int
    expires_at: float


@dataclass(slots=True)
class World:
    """The state of one bot's sandbox."""

    token: str
    settings: ServerSettings
    chats: ChatStore = field(default_factory=ChatStore)
    commands: CommandStore = field(default_factory=CommandStore)
    events: EventBroker = field(default_factory=EventBroker)
    presses: dict[str, Press] = field(default_factory=dict)
    faults: FaultStore = field(init=False)
    files: FileStore = field(init=False)
    journal: Journal = field(init=False)
    limits: Limits = field(init=False)
    updates: UpdateQueue = field(init=False)
    webhook: WebhookDelivery = field(init=False)

    def __post_init__(self) -> None:
        self.faults = FaultStore(self.settings.seed)
        self.files = FileStore(self.settings.file_bytes)
        self.journal = Journal(self.settings.journal_entries)
        self.limits = Limits(self.settings.limits)
        self.updates = UpdateQueue(self.settings.conflict_delay_s)
        self.webhook = WebhookDelivery(self.updates, self.settings.webhook)

    @property
    def bot(self) -> Json:
        """Return the bot as a User."""
        return {
            "id": int(self.token.partition(":")[0]),
            "is_bot": True,
            "first_name": self.settings.bot_name,
            "username": self.settings.bot_username,
        }

    def post(self, chat: Chat, message: Message) -> None:
        """Put a new message into its chat and tell the pages."""
        chat.messages[message.message_id] = message
        chat.unread = chat.unread + 1 if message.is_from_bot else 0
        self.events.tell("message", chat_id=chat.id, message=view_message(message))
        self.tell_chat(chat)

    def change(self, chat: Chat, message: Message, content: Content, markup: Json | None) -> None:
        """Replace what a message says; a change of the buttons alone is no edit that people see."""
        if content != message.content:
            message.edit_date = int(time.time())
        message.content = content
        message.markup = markup
        self.events.tell("edited", chat_id=chat.id, message=view_message(message))
        self.tell_chat(chat)

    def remove(self, chat: Chat, message: Message) -> None:
        """Delete a message for everybody."""
        del chat.messages[message.message_id]
        self.events.tell("deleted", chat_id=chat.id, message_id=message.message_id)
        self.tell_chat(chat)

    def mark_seen(self, chat: Chat, message: Message) -> None:
        """Note that the bot took a person's message."""
        message.is_seen = True
        self.events.tell("seen", chat_id=chat.id, message_id=message.message_id)

    def tell_chat(self, chat: Chat) -> None:
        """Tell the pages how a chat looks in the list."""
        self.events.tell("chat", chat=view_chat(chat))
