"""The port Chat on aiogram: types and errors translated, nothing decided.

aiogram's exceptions do not tell what matters (HTML 5xx is no TelegramAPIError, 413 is a network error, and only
`__cause__` tells a refused connection from a cut one): `seen` reads them once, for everybody.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    RestartingTelegram,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)

from chassis import metrics
from chassis.log import redact
from services.telegram.domain.outcome import Fault, FaultKind
from services.telegram.domain.rendering import Keyboard, Rendered
from services.telegram.ports import PLAIN, CallFailedError, Document, Manner, Picture, Shown

R = TypeVar("R")

_CODES: tuple[tuple[type[TelegramAPIError], int], ...] = (
    (TelegramRetryAfter, 429),
    (TelegramEntityTooLarge, 413),
    (TelegramForbiddenError, 403),
    (TelegramMigrateToChat, 400),
    (TelegramBadRequest, 400),
    (TelegramUnauthorizedError, 401),
    (TelegramNotFound, 404),
    (TelegramConflictError, 409),
    (RestartingTelegram, 500),
    (TelegramServerError, 500),
)
_CODES_BY_WORDS = (("too many requests", 429), ("misdirected request", 421))
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


@asynccontextmanager
async def open_bot(token: str, api_url: str, *, timeout_s: float, connections: int) -> AsyncIterator[Bot]:
    """Open a client of the Bot API; nothing is called yet."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url.rstrip("/")), limit=connections, timeout=timeout_s)
    bot = Bot(token, session=session, default=DefaultBotProperties(parse_mode="HTML"))
    try:
        yield bot
    finally:
        await session.close()


def seen(error: Exception) -> Fault:
    """Tell what was seen on the wire, from what aiogram made of it."""
    if isinstance(error, TelegramAPIError) and not _is_wire(error):
        return _refusal(error)
    if isinstance(error, ClientDecodeError | UnicodeDecodeError | TypeError):
        return Fault(kind=FaultKind.UNREADABLE)
    cause = error.__cause__ or error
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Fault(kind=FaultKind.NOT_CONNECTED)
    if isinstance(cause, TimeoutError):
        return Fault(kind=FaultKind.TIMED_OUT)
    if isinstance(cause, aiohttp.ClientPayloadError):
        return Fault(kind=FaultKind.TRUNCATED)
    return Fault(kind=FaultKind.CUT)


def _is_wire(error: TelegramAPIError) -> bool:
    return isinstance(error, TelegramNetworkError) and not isinstance(error, TelegramEntityTooLarge)


def _refusal(error: TelegramAPIError) -> Fault:
    said = redact(error.message)  # a proxy may repeat the URL that it refused
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    if code is None:
        code = next((code for words, code in _CODES_BY_WORDS if words in said.lower()), 406)
    rest_s = float(error.retry_after) if isinstance(error, TelegramRetryAfter) else None
    moved_to = error.migrate_to_chat_id if isinstance(error, TelegramMigrateToChat) else None
    return Fault(kind=FaultKind.SAID_NO, code=code, description=said, retry_after_s=rest_s, moved_to=moved_to)


class AiogramChat:
    """Calls the Bot API."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def send_text(self, chat_id: int, shown: Rendered, manner: Manner = PLAIN) -> Shown:
        """Send a message."""
        call = self._bot.send_message(
            chat_id,
            shown.html,
            reply_markup=_markup(shown.buttons),
            link_preview_options=_NO_PREVIEW,
            reply_parameters=_reply(manner.reply_to),
            message_thread_id=manner.thread_id,
            disable_notification=manner.is_silent,
            protect_content=manner.is_protected,
            allow_paid_broadcast=manner.is_paid or None,
        )
        return _shown(await _made("sendMessage", call))

    async def send_picture(self, chat_id: int, picture: Picture, shown: Rendered, manner: Manner = PLAIN) -> Shown:
        """Send a picture with its caption."""
        call = self._bot.send_photo(
            chat_id,
            _file(picture),
            caption=shown.html or None,
            reply_markup=_markup(shown.buttons),
            reply_parameters=_reply(manner.reply_to),
            message_thread_id=manner.thread_id,
            disable_notification=manner.is_silent,
            protect_content=manner.is_protected,
            allow_paid_broadcast=manner.is_paid or None,
        )
        return _shown(await _made("sendPhoto", call))

    async def send_document(self, chat_id: int, document: Document, shown: Rendered, manner: Manner = PLAIN) -> Shown:
        """Send a file with its caption."""
        call = self._bot.send_document(
            chat_id,
            BufferedInputFile(document.body, filename=document.filename),
            caption=shown.html or None,
            reply_parameters=_reply(manner.reply_to),
            message_thread_id=manner.thread_id,
            disable_notification=manner.is_silent,
            protect_content=manner.is_protected,
            allow_paid_broadcast=manner.is_paid or None,
        )
        return _shown(await _made("sendDocument", call))

    async def edit_text(self, chat_id: int, message_id: int, shown: Rendered) -> Shown:
        """Show other words and buttons in a message."""
        call = self._bot.edit_message_text(
            shown.html,
            chat_id=chat_id,
            message_id=message_id,
            reply_markup=_markup(shown.buttons),
            link_preview_options=_NO_PREVIEW,
        )
        await _made("editMessageText", call)
        return Shown(message_id)

    async def join_picture(self, chat_id: int, message_id: int, picture: Picture, shown: Rendered) -> Shown:
        """Turn a text into a picture with that text as its caption."""
        call = self._bot.edit_message_media(
            InputMediaPhoto(media=_file(picture), caption=shown.html, parse_mode="HTML"),
            chat_id=chat_id,
            message_id=message_id,
            reply_markup=_markup(shown.buttons),
        )
        edited = await _made("editMessageMedia", call)
        return _shown(edited) if isinstance(edited, Message) else Shown(message_id)

    async def answer_press(self, press_id: str, text: str = "") -> None:
        """Stop a button's spinner."""
        await _made("answerCallbackQuery", self._bot.answer_callback_query(press_id, text=text or None))

    async def name_commands(
        self, commands: Sequence[tuple[str, str]], language: str | None, *, chat_id: int | None = None
    ) -> None:
        """Set the menu of commands."""
        menu = [BotCommand(command=word, description=description) for word, description in commands]
        scope = BotCommandScopeChat(chat_id=chat_id) if chat_id is not None else None
        await _made("setMyCommands", self._bot.set_my_commands(menu, scope, language_code=language))


async def _made(method: str, call: Awaitable[R]) -> R:
    """Await a call, measured; what it raises becomes a CallFailedError, without the library's own error behind it:
    that one holds the whole request.
    """
    started = time.perf_counter()
    try:
        answer = await call
    except (AiogramError, OSError, UnicodeDecodeError, TypeError) as e:
        fault = seen(e)
        metrics.API_CALLS.labels(method, str(fault.code or fault.kind)).inc()
        raise CallFailedError(fault) from None
    finally:
        metrics.API_SECONDS.labels(method).observe(time.perf_counter() - started)
    metrics.API_CALLS.labels(method, "ok").inc()
    return answer


def _markup(buttons: Keyboard) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    rows = [[InlineKeyboardButton(text=one.text, callback_data=one.data) for one in row] for row in buttons]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _reply(message_id: int | None) -> ReplyParameters | None:
    if message_id is None:
        return None
    return ReplyParameters(message_id=message_id, allow_sending_without_reply=True)


def _file(picture: Picture) -> str | BufferedInputFile:
    return picture.file_id or BufferedInputFile(picture.body, filename="chart.png")


def _shown(message: Message) -> Shown:
    file_id = message.photo[-1].file_id if message.photo else None
    return Shown(message.message_id, file_id)
