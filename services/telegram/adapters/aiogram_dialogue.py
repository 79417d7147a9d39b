"""The port Dialogue on aiogram's Dispatcher: an update becomes a request of ours and finds its topic."""

from datetime import UTC, datetime

import structlog
from aiogram import Bot, Dispatcher, F, Router
from aiogram.enums import ChatMemberStatus
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message, Update, User
from pydantic import ValidationError

from chassis.errors import RejectedError
from services.telegram.domain.commands import COMMANDS
from services.telegram.handlers.conversation import Conversation
from services.telegram.handlers.desk import Request

logger = structlog.get_logger()


class AiogramDialogue:
    """Understands updates of private chats. Groups are not spoken to."""

    def __init__(self, bot: Bot, conversation: Conversation) -> None:
        self._bot = bot
        self._dispatcher = Dispatcher(disable_fsm=True)
        self._dispatcher.include_routers(
            _commands(conversation), _presses(conversation), _members(conversation), _texts(conversation)
        )

    async def feed(self, raw: bytes, trace: str) -> None:
        """Handle one update.

        Raises:
            RejectedError: no update as aiogram knows them.
        """
        try:
            update = Update.model_validate_json(raw, context={"bot": self._bot})
        except ValidationError as e:
            raise RejectedError(f"not an update: {e.error_count()} errors, first at {e.errors()[0]['loc']}") from None
        await self._dispatcher.feed_update(self._bot, update, trace=trace)


def _commands(conversation: Conversation) -> Router:
    router = Router(name="commands")
    router.message.filter(F.chat.type == "private")
    for command in COMMANDS:
        _register(router, conversation, command.name, command.spellings)
    return router


def _register(router: Router, conversation: Conversation, name: str, spellings: tuple[str, ...]) -> None:
    async def handle(message: Message, command: CommandObject, event_update: Update, trace: str) -> None:
        if message.from_user is not None:
            request = _asked(message, message.from_user, event_update, trace, argument=command.args or "")
            await conversation.command(name, request)

    router.message.register(handle, Command(*spellings, ignore_case=True))


def _texts(conversation: Conversation) -> Router:
    router = Router(name="texts")

    @router.message(F.chat.type == "private", F.text)
    async def handle(message: Message, event_update: Update, trace: str) -> None:
        if message.from_user is not None:
            await conversation.text(_asked(message, message.from_user, event_update, trace))

    return router


def _presses(conversation: Conversation) -> Router:
    router = Router(name="presses")

    @router.callback_query()
    async def handle(press: CallbackQuery, event_update: Update, trace: str) -> None:
        if press.message is None or press.message.chat.type != "private":
            return
        data = press.data or ""
        request = Request(
            update_id=event_update.update_id,
            chat_id=press.message.chat.id,
            person_id=press.from_user.id,
            name=press.from_user.first_name,
            language_code=press.from_user.language_code,
            at=press.message.date if isinstance(press.message, Message) else datetime.now(UTC),
            trace=trace,
            argument=data.partition(":")[2],
            message_id=press.message.message_id,
        )
        await conversation.press(press.id, data, request)

    return router


def _members(conversation: Conversation) -> Router:
    """A person who blocks us shows it here first. Whoever comes back presses start."""
    router = Router(name="members")

    @router.my_chat_member()
    async def handle(change: ChatMemberUpdated) -> None:
        logger.info("chat.changed", chat_id=change.chat.id, state=change.new_chat_member.status)
        if change.chat.type == "private" and change.new_chat_member.status == ChatMemberStatus.KICKED:
            await conversation.blocked(change.from_user.id, change.date)

    return router


def _asked(message: Message, person: User, update: Update, trace: str, argument: str = "") -> Request:
    return Request(
        update_id=update.update_id,
        chat_id=message.chat.id,
        person_id=person.id,
        name=person.first_name,
        language_code=person.language_code,
        at=message.date,
        trace=trace,
        argument=argument,
    )
