"""Composes what a send shows and by which call: words alone, words with a picture, an edit, a picture that joins."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chassis.bus import Bus
from contracts import catalogue
from contracts.messages import (
    DeliveryState,
    DocumentNotice,
    FeedNotice,
    OutcomeNotice,
    PauseNotice,
    PictureNotice,
    ReducedNotice,
    SendClass,
    SendMessage,
    SignalNotice,
    StopNotice,
    SummaryNotice,
    TextNotice,
)
from services.telegram.domain import figures, notices, outcome
from services.telegram.domain.attempt import Call, Close
from services.telegram.domain.outcome import Verdict
from services.telegram.domain.pictures import PictureRoom
from services.telegram.domain.rendering import CAPTION_LIMIT, TEXT_LIMIT, Rendered, visible_length, within
from services.telegram.domain.words import Catalogue, Words, in_language
from services.telegram.ports import CallFailedError, Chat, Deliveries, Document, Manner, Picture, Shown


@dataclass(frozen=True, slots=True)
class Letter:
    """What is shown, and the call that shows it.

    `waits_for_picture`: words go alone and a picture may join them. `uploads` is the picture whose bytes this call
    carries, `by_file_id` the one it names by Telegram's id.
    """

    shown: Rendered
    make: Callable[[], Awaitable[Shown]]
    waits_for_picture: bool = False
    uploads: str | None = None
    by_file_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotYet:
    """Somebody else uploads the picture now."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided for all messages: nobody may forward or save them; the pace is paid for; these kinds
    make no sound.
    """

    is_protected: bool = False
    is_paid: bool = False
    silent: frozenset[SendClass] = frozenset()


class Writer:
    """Composes letters."""

    def __init__(
        self,
        bus: Bus,
        chat: Chat,
        deliveries: Deliveries,
        words: Catalogue,
        pictures: PictureRoom,
        policy: Policy | None = None,
    ) -> None:
        self._policy = policy or Policy()
        self._bus = bus
        self._chat = chat
        self._deliveries = deliveries
        self._words = words
        self._pictures = pictures

    async def compose(self, send: SendMessage, call: Call) -> Letter | Close | NotYet:
        """Decide what is shown and how. Raises TransientError while database or broker are away."""
        content = send.content
        if isinstance(content, PictureNotice):
            return await self._join_letter(send, content)
        if isinstance(content, DocumentNotice):
            return await self._document_letter(send, content)
        shown = render(send, self._words, is_repeat=call.is_repeat)
        if send.chat_id < 0:  # a channel or a group: a button there would ask for whoever presses it, in front of all
            shown = Rendered(shown.html)
        if isinstance(content, TextNotice) and content.edit_message_id is not None:
            message_id = content.edit_message_id
            return Letter(shown, lambda: self._chat.edit_text(send.chat_id, message_id, shown))
        manner = self._manner(send, await self._message_of(send.reply_to))
        picture = await self._picture_at_hand(send)
        if picture is None:
            return Letter(
                shown,
                lambda: self._chat.send_text(send.chat_id, shown, manner),
                waits_for_picture=send.chart_key is not None,
            )
        return Letter(
            shown,
            lambda: self._chat.send_picture(send.chat_id, picture, shown, manner),
            uploads=send.chart_key if picture.file_id is None else None,
            by_file_id=send.chart_key if picture.file_id is not None else None,
        )

    def _manner(self, send: SendMessage, reply_to: int | None, *, is_silent: bool = False) -> Manner:
        return Manner(
            reply_to=reply_to,
            thread_id=send.thread_id,
            is_silent=send.silent or is_silent or send.kind in self._policy.silent,
            is_protected=send.protect or self._policy.is_protected,
            is_paid=self._policy.is_paid,
        )

    async def _document_letter(self, send: SendMessage, notice: DocumentNotice) -> Letter | Close:
        body = await self._bus.get(catalogue.EXPORTS, notice.key)
        if body is None:
            return Close(DeliveryState.EXPIRED, "the file is gone")
        shown, document = within(Rendered(notice.html), CAPTION_LIMIT), Document(notice.filename, body)
        return Letter(shown, lambda: self._chat.send_document(send.chat_id, document, shown, self._manner(send, None)))

    async def _picture_at_hand(self, send: SendMessage) -> Picture | None:
        """Find the picture of a text where that costs no time: words never wait for a picture."""
        if send.chart_key is None:
            return None
        file_id = await self._deliveries.file_id(send.chart_key)
        if file_id is not None:
            return Picture(file_id)
        if not self._pictures.claim(send.chart_key, send.id):
            return None
        return await self._drawn(send.chart_key)

    async def _join_letter(self, send: SendMessage, notice: PictureNotice) -> Letter | Close | NotYet:
        joined = await self._deliveries.find(notice.join_send_id)
        if joined is None or joined.message_id is None or joined.html is None:
            return Close(DeliveryState.EXPIRED, "no message to join")
        file_id = await self._deliveries.file_id(notice.chart_key)
        if file_id is None and not self._pictures.claim(notice.chart_key, send.id):
            return NotYet()
        picture = Picture(file_id) if file_id is not None else await self._drawn(notice.chart_key)
        if picture is None:
            return Close(DeliveryState.EXPIRED, "no picture")
        shown, message_id, found = Rendered(joined.html, joined.buttons), joined.message_id, picture
        return Letter(
            shown,
            lambda: self._join(send, message_id, found, shown),
            uploads=notice.chart_key if file_id is None else None,
            by_file_id=notice.chart_key if file_id is not None else None,
        )

    async def _join(self, send: SendMessage, message_id: int, picture: Picture, shown: Rendered) -> Shown:
        """Put the picture into the message; where Telegram refuses that, answer the message with it, silently."""
        try:
            return await self._chat.join_picture(send.chat_id, message_id, picture, shown)
        except CallFailedError as e:
            verdict = outcome.judge(e.fault).verdict
            if verdict is Verdict.UNCHANGED:
                return Shown(message_id)
            if verdict not in (Verdict.DEAD, Verdict.GONE):
                raise
        manner = self._manner(send, message_id, is_silent=True)
        return await self._chat.send_picture(send.chat_id, picture, Rendered(""), manner)

    async def _message_of(self, send_id: str | None) -> int | None:
        row = await self._deliveries.find(send_id) if send_id is not None else None
        return row.message_id if row is not None else None

    async def _drawn(self, key: str) -> Picture | None:
        body = await self._bus.get(catalogue.CHART_PICTURES, key)
        return Picture(body=body) if body is not None else None


def render(send: SendMessage, catalogue_: Catalogue, *, is_repeat: bool = False) -> Rendered:
    """Put the content of a send into words; a repeat says that it is one."""
    words = in_language(catalogue_, send.language)
    limit = CAPTION_LIMIT if send.chart_key is not None else TEXT_LIMIT
    if not is_repeat:
        return within(_render(send, words, limit), limit)
    mark_length = visible_length(notices.repeated(Rendered(""), words).html)
    return notices.repeated(within(_render(send, words, limit - mark_length), limit - mark_length), words)


def _render(send: SendMessage, words: Words, limit: int) -> Rendered:
    match send.content:
        case SignalNotice():
            return notices.signal(send.content, words, send.time_zone, limit)
        case OutcomeNotice():
            return notices.outcome(send.content, words, send.time_zone, limit)
        case ReducedNotice() | StopNotice() | PauseNotice() | SummaryNotice() | FeedNotice():
            return _render_brief(send.content, words, send.time_zone)
        case TextNotice(html=html, buttons=buttons):
            return Rendered(html, buttons)
        case DocumentNotice(html=html):
            return Rendered(html)
        case PictureNotice():
            return Rendered("")


def _render_brief(
    content: ReducedNotice | StopNotice | PauseNotice | SummaryNotice | FeedNotice, words: Words, zone: str
) -> Rendered:
    match content:
        case ReducedNotice():
            return notices.reduced(content, words, zone)
        case StopNotice():
            return notices.stop_moved(content, words, zone)
        case PauseNotice():
            return notices.pause(content, words, zone)
        case SummaryNotice():
            return figures.summary(content, words, zone)
        case FeedNotice():
            return notices.feed(content, words, zone)
