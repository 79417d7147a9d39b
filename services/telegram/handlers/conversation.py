"""Which topic takes what a person asks, and what is said when the room behind it does not answer."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from chassis.errors import AskFailedError, DatabaseAwayError, TransientError
from contracts import catalogue
from contracts.asks import DeactivateSubscriber, Subscriber
from services.telegram.domain import answers
from services.telegram.domain.presses import Verb, unpack
from services.telegram.handlers import (
    dashboards,
    dead_letters,
    farewell,
    manual_signal,
    position,
    preferences,
    start,
    statistics,
    trades,
)
from services.telegram.handlers import help as help_topic
from services.telegram.handlers.desk import TELEGRAM_ROUNDS_BY, Desk, Reader, Request
from services.telegram.ports import CallFailedError, Chat

Topic = Callable[[Desk, Request, Subscriber], Awaitable[None]]
OperatorTopic = Callable[[Desk, Request, Reader], Awaitable[None]]
OpenTopic = Callable[[Desk, Request], Awaitable[None]]

FOR_ALL: dict[str, OpenTopic] = {"start": start.start}
"""Commands that strangers may use."""

FOR_SUBSCRIBERS: dict[str, Topic] = {
    "monitor": preferences.start_monitor,
    "stopmonitor": preferences.stop_monitor,
    "settings": preferences.show_settings,
    "signal": manual_signal.request_signal,
    "status": position.show_status,
    "why": position.show_why,
    "dashboard": dashboards.open_dashboard,
    "stopdashboard": dashboards.stop_dashboard,
    "history": trades.show_history,
    "performance": statistics.show_performance,
    "analytics": statistics.show_analytics,
    "export": farewell.hand_over,
    "deleteme": farewell.ask_to_erase,
    "help": help_topic.show_help,
}

FOR_OPERATORS: dict[str, OperatorTopic] = {"dlq": dead_letters.show_letters, "stats": statistics.show_stats}
"""Commands of those who run the bot; nobody else learns that they are there."""

OPERATOR_PRESSES: dict[Verb, OperatorTopic] = {Verb.DEAD_LETTERS: dead_letters.press_letters}

PRESSES: dict[Verb, Topic] = {
    Verb.STATUS: position.show_status,
    Verb.WHY: position.show_why,
    Verb.CHART: position.show_chart,
    Verb.LANGUAGE: preferences.press_language,
    Verb.AUTO: preferences.press_auto,
    Verb.SETTINGS: preferences.press_setting,
    Verb.DASHBOARD: dashboards.press_stop,
    Verb.HISTORY: trades.turn_page,
}

OPEN_PRESSES: dict[Verb, OpenTopic] = {Verb.ERASE: farewell.press_erase}
"""Presses that are answered also when nobody knows the person any more."""

logger = structlog.get_logger()


class Conversation:
    """Answers commands, texts and presses. Every request gets an answer, even when nobody behind us does.

    Only what needs our own database raises DatabaseAwayError where that is away: the answer would need it, too, so that
    the request is kept, and answered when it is back.
    """

    def __init__(self, desk: Desk, chat: Chat) -> None:
        self._desk = desk
        self._chat = chat

    async def command(self, name: str, request: Request) -> None:
        """Answer a command by the name of its topic."""
        open_topic = FOR_ALL.get(name)
        if name in FOR_OPERATORS:
            await self._operated(request, FOR_OPERATORS[name])
        elif open_topic is not None:
            await self._attempt(request, lambda: open_topic(self._desk, request))
        else:
            await self._subscribed(request, FOR_SUBSCRIBERS[name], stranger=_WITHOUT_REGISTERING.get(name))

    async def text(self, request: Request) -> None:
        """Answer what is no command."""
        await self._subscribed(request, help_topic.hint, stranger=help_topic.hint)

    async def press(self, press_id: str, data: str, request: Request) -> None:
        """Answer a press: the button first, so that it stops turning, then the question."""
        press = unpack(data)
        topic = PRESSES.get(press.verb) if press is not None else None
        operated = OPERATOR_PRESSES.get(press.verb) if press is not None else None
        open_topic = OPEN_PRESSES.get(press.verb) if press is not None else None
        is_known = topic or operated or open_topic
        note = "" if is_known else self._desk.stranger(request).words("answer.stale_button")
        try:
            await self._chat.answer_press(press_id, note)
        except CallFailedError as e:  # too late, or away: the answer itself counts
            logger.info("press.unanswered", chat_id=request.chat_id, reason=str(e.fault.kind))
        if open_topic is not None:
            await self._attempt(request, lambda: open_topic(self._desk, request))
        elif topic is not None:
            await self._subscribed(request, topic)
        elif operated is not None:
            await self._operated(request, operated)

    async def blocked(self, person_id: int, at: datetime) -> None:
        """Have nothing more made for a person who blocked us. Raises TransientError: try again."""
        await self._desk.dashboards.forget_all(person_id)
        question = DeactivateSubscriber(subscriber_id=person_id, reason="blocked", seen_at=at + TELEGRAM_ROUNDS_BY)
        try:
            await self._desk.bus.ask(catalogue.DEACTIVATE, question)
        except AskFailedError as e:
            if e.code != "not_registered":
                logger.warning("question.refused", key=e.code, error=str(e))

    async def _operated(self, request: Request, topic: OperatorTopic) -> None:
        """Answer an operator, in the default way where positions does not know him now; others get the usual hint."""
        if not self._desk.is_operator(request):
            await self._subscribed(request, help_topic.hint, stranger=help_topic.hint)
            return
        try:
            reader = self._desk.reader(await self._desk.subscriber(request))
        except (AskFailedError, TransientError):
            reader = self._desk.stranger(request)
        await self._attempt(request, lambda: topic(self._desk, request, reader))

    async def _subscribed(self, request: Request, topic: Topic, stranger: OpenTopic | None = None) -> None:
        async def known() -> None:
            try:
                subscriber = await self._desk.subscriber(request)
            except AskFailedError as e:
                if e.code != "not_registered" or stranger is None:
                    raise
                await stranger(self._desk, request)
                return
            await topic(self._desk, request, subscriber)

        await self._attempt(request, known)

    async def _attempt(self, request: Request, topic: Callable[[], Awaitable[None]]) -> None:
        reader = self._desk.stranger(request)
        try:
            await topic()
        except AskFailedError as e:
            key = "start.please" if e.code == "not_registered" else "answer.busy"
            if key == "answer.busy":
                logger.warning("question.refused", key=e.code, error=str(e))
            await self._desk.answer(request, reader, answers.plain(key, reader.words))
        except DatabaseAwayError:
            raise
        except TransientError as e:
            logger.warning("question.unanswered", error=str(e))
            await self._desk.answer(request, reader, answers.plain("answer.busy", reader.words))


_WITHOUT_REGISTERING: dict[str, OpenTopic] = {"help": help_topic.show_help}
