"""Where a person's question is taken and answered: what every topic of conversation needs."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from chassis.bus import Bus
from chassis.clock import Clock
from chassis.trace import child_trace
from contracts import catalogue, ids
from contracts.asks import GetSubscriber, Subscriber
from contracts.messages import DocumentNotice, SendClass, SendMessage, TextNotice
from services.telegram.domain.rendering import Rendered
from services.telegram.domain.times import DEFAULT_ZONE
from services.telegram.domain.words import Catalogue, Words, guess_language, in_language
from services.telegram.ports import Dashboards, Forgotten

ANSWER_LIFE = timedelta(minutes=15)
"""How long an answer is worth sending: nobody waits longer for one."""
EDIT_LIFE = timedelta(seconds=30)
"""How long an edit of a dashboard is worth sending: a newer one comes."""

TELEGRAM_ROUNDS_BY = timedelta(seconds=1)
"""Telegram's dates are whole seconds, rounded down: a block just after a press must not look older than it."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked: a command with its `argument`, or a press of the button of message `message_id`."""

    update_id: int
    chat_id: int
    person_id: int
    name: str
    language_code: str | None
    at: datetime
    trace: str
    argument: str = ""
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads an answer: in which words and in which time zone."""

    words: Words
    zone: str


class Desk:
    """Asks the other rooms and sends answers the way every message goes: durable and in order."""

    def __init__(  # noqa: PLR0913, PLR0917  # it puts parts together
        self,
        bus: Bus,
        dashboards: Dashboards,
        forgotten: Forgotten,
        words: Catalogue,
        clock: Clock,
        symbol: str,
        operators: Collection[int] = (),
        picture_key: bytes = b"",
    ) -> None:
        """Stand between people and rooms; `picture_key`, a secret of this room, names people's own pictures."""
        self.bus = bus
        self.dashboards = dashboards
        self.clock = clock
        self.symbol = symbol
        self.forgotten = forgotten
        self._words = words
        self._operators = frozenset(operators)
        self._picture_key = picture_key

    def is_operator(self, request: Request) -> bool:
        """Tell whether the person runs this bot, as our settings say: positions may be away when it matters most."""
        return request.person_id in self._operators

    def secret_of(self, person_id: int) -> str:
        """Make the word that names a person's own pictures: always the same, and nobody can work it out."""
        return hmac.new(self._picture_key, f"picture:{person_id}".encode(), hashlib.sha256).hexdigest()

    async def subscriber(self, request: Request) -> Subscriber:
        """Look the person up. Raises AskFailedError with code `not_registered`."""
        return await self.bus.ask(catalogue.SUBSCRIBER, GetSubscriber(subscriber_id=request.person_id))

    def reader(self, subscriber: Subscriber) -> Reader:
        """Tell how a subscriber reads."""
        return Reader(in_language(self._words, subscriber.language), subscriber.time_zone)

    def stranger(self, request: Request) -> Reader:
        """Guess how somebody reads whom we do not know."""
        return Reader(in_language(self._words, guess_language(request.language_code)), DEFAULT_ZONE)

    async def answer(
        self,
        request: Request,
        reader: Reader,
        shown: Rendered,
        *,
        is_edit: bool = False,
        chart_key: str | None = None,
    ) -> None:
        """Send an answer; `is_edit` shows it in the message whose button was pressed. A repeat is the same message."""
        now = self.clock.now()
        edited = request.message_id if is_edit else None
        message = SendMessage(
            id=ids.send_id(str(request.update_id), "reply"),
            at=now,
            trace=child_trace(request.trace),
            chat_id=request.chat_id,
            subscriber_id=request.person_id,
            kind=SendClass.REPLY,
            content=TextNotice(html=shown.html, buttons=shown.buttons, edit_message_id=edited),
            language=reader.words.language,
            time_zone=reader.zone,
            expires_at=now + ANSWER_LIFE,
            chart_key=chart_key,
        )
        await self.bus.publish(catalogue.SEND, message, SendClass.REPLY.value, request.chat_id)

    async def hand_over(self, request: Request, reader: Reader, document: DocumentNotice, what: str) -> None:
        """Send a file; `what` tells the files of one answer apart. A repeat of the request is the same message."""
        now = self.clock.now()
        message = SendMessage(
            id=ids.send_id(str(request.update_id), what),
            at=now,
            trace=child_trace(request.trace),
            chat_id=request.chat_id,
            subscriber_id=request.person_id,
            kind=SendClass.REPLY,
            content=document,
            language=reader.words.language,
            time_zone=reader.zone,
            expires_at=now + ANSWER_LIFE,
        )
        await self.bus.publish(catalogue.SEND, message, SendClass.REPLY.value, request.chat_id)
