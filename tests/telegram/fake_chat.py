"""Telegram in memory, behind the port Chat. `chat_contract.py` holds it to what the Bot API does."""

import asyncio
import itertools
import re
from dataclasses import dataclass, field, replace

from services.telegram.domain.outcome import Fault, FaultKind
from services.telegram.domain.rendering import CAPTION_LIMIT, TEXT_LIMIT, visible_length
from services.telegram.ports import PLAIN, CallFailedError, Manner, Shown

BAD = "Bad Request: "


def said(code, description, retry_after_s=None):
    return Fault(kind=FaultKind.SAID_NO, code=code, description=description, retry_after_s=retry_after_s)


CUT_BEFORE = Fault(kind=FaultKind.NOT_CONNECTED)
SERVER_ERROR = said(500, "Internal Server Error")
BLOCKED = said(403, "Forbidden: bot was blocked by the user")
LOST_ANSWER = Fault(kind=FaultKind.TIMED_OUT)


@dataclass
class Bubble:
    """One message as a person sees it."""

    chat_id: int
    message_id: int
    shown: object
    file_id: str | None = None
    manner: Manner = PLAIN


@dataclass
class Trouble:
    """What befalls calls: `happens` says whether the message is shown all the same."""

    fault: Fault
    count: int = 1
    chat_id: int | None = None
    method: str | None = None
    happens: bool = False


@dataclass
class FakeChat:
    """Keeps what was shown; `troubles` befall calls in order; `gate` holds every call while it is closed."""

    people: set = field(default_factory=set)
    bubbles: dict = field(default_factory=dict)
    troubles: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    answered: list = field(default_factory=list)
    menus: dict = field(default_factory=dict)
    moved: dict = field(default_factory=dict)
    uploads: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    documents: dict = field(default_factory=dict)
    presses: set = field(default_factory=set)

    def __post_init__(self):
        self._ids = itertools.count(1)
        self._files = {}
        self.gate.set()

    def of(self, chat_id):
        """List the bubbles of a chat."""
        return [bubble for bubble in self.bubbles.values() if bubble.chat_id == chat_id]

    async def send_text(self, chat_id, shown, manner=PLAIN):
        def show():
            self._check(shown, TEXT_LIMIT, "message is too long")
            return self._add(chat_id, shown, None, manner)

        return await self._call("send_text", chat_id, show)

    async def send_picture(self, chat_id, picture, shown, manner=PLAIN):
        def show():
            self._check(shown, CAPTION_LIMIT, "message caption is too long")
            return self._add(chat_id, shown, self._file(picture), manner)

        return await self._call("send_picture", chat_id, show)

    async def send_document(self, chat_id, document, shown, manner=PLAIN):
        def show():
            self._check(shown, CAPTION_LIMIT, "message caption is too long")
            sent = self._add(chat_id, shown, None, manner)
            self.documents[chat_id, sent.message_id] = document
            return sent

        return await self._call("send_document", chat_id, show)

    async def edit_text(self, chat_id, message_id, shown):
        return await self._call("edit_text", chat_id, lambda: self._edit(chat_id, message_id, shown, None))

    async def join_picture(self, chat_id, message_id, picture, shown):
        def show():
            return self._edit(chat_id, message_id, shown, self._file(picture))

        return await self._call("join_picture", chat_id, show)

    async def answer_press(self, press_id, text=""):
        def answer():
            if press_id not in self.presses:
                raise CallFailedError(
                    said(400, BAD + "query is too old and response timeout expired or query ID is invalid")
                )
            self.answered.append((press_id, text))

        await self._call("answer_press", None, answer)

    async def name_commands(self, commands, language, *, chat_id=None):
        key = language if chat_id is None else (language, chat_id)
        await self._call("name_commands", chat_id, lambda: self.menus.update({key: list(commands)}))

    async def _call(self, method, chat_id, take_effect):
        self.calls.append((method, chat_id))
        await asyncio.sleep(0)
        await self.gate.wait()
        trouble = self._trouble(method, chat_id)
        if trouble is not None and not trouble.happens:
            raise CallFailedError(trouble.fault)
        if chat_id in self.moved:
            words = "group chat was upgraded to a supergroup chat"
            raise CallFailedError(replace(said(400, BAD + words), moved_to=self.moved[chat_id]))
        if chat_id is not None and chat_id not in self.people:
            raise CallFailedError(said(400, BAD + "chat not found"))
        result = take_effect()
        if trouble is not None:
            raise CallFailedError(trouble.fault)
        return result

    def _trouble(self, method, chat_id):
        for trouble in self.troubles:
            if trouble.count and trouble.chat_id in (None, chat_id) and trouble.method in (None, method):
                trouble.count -= 1
                return trouble
        return None

    def _check(self, shown, limit, words):
        if visible_length(shown.html) > limit:
            raise CallFailedError(said(400, BAD + words))
        if re.sub(r"</?(b|i|code|blockquote)>", "", shown.html).count("<"):
            raise CallFailedError(said(400, BAD + "can't parse entities: unsupported start tag"))

    def _file(self, picture):
        if picture.file_id is not None:
            if picture.file_id not in self._files:
                raise CallFailedError(said(400, BAD + "wrong file identifier/HTTP URL specified"))
            return picture.file_id
        self.uploads += 1
        file_id = f"file-{self.uploads}"
        self._files[file_id] = picture.body
        return file_id

    def forget_files(self):
        """Lose all pictures, as another bot's server would."""
        self._files.clear()

    def _add(self, chat_id, shown, file_id, manner):
        number = next(self._ids)
        reply_to = manner.reply_to if (chat_id, manner.reply_to) in self.bubbles else None
        self.bubbles[chat_id, number] = Bubble(chat_id, number, shown, file_id, replace(manner, reply_to=reply_to))
        return Shown(number, file_id)

    def _edit(self, chat_id, message_id, shown, file_id):
        bubble = self.bubbles.get((chat_id, message_id))
        if bubble is None:
            raise CallFailedError(said(400, BAD + "message to edit not found"))
        if (bubble.shown, bubble.file_id) == (shown, file_id):
            raise CallFailedError(said(400, BAD + "message is not modified: specified new message content"))
        bubble.shown, bubble.file_id = shown, file_id
        return Shown(message_id, file_id)
