"""The usual way to send to many: one task a message, a semaphore, and a sleep where Telegram says 429."""

import asyncio
from collections.abc import Sequence

from contracts.messages import SendMessage, TextNotice
from services.telegram.domain.outcome import Verdict, judge
from services.telegram.domain.words import Catalogue
from services.telegram.handlers.letters import render
from services.telegram.ports import CallFailedError, Chat

AT_ONCE = 30
TRIES = 5
PAUSE_S = 1.0


class NaiveSender:
    """Sends everything it is given at once, and tries again what failed."""

    def __init__(self, chat: Chat, words: Catalogue) -> None:
        self._chat = chat
        self._words = words
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.given_up = 0

    async def send_all(self, messages: Sequence[SendMessage]) -> None:
        """Send a wave."""
        await asyncio.gather(*(self._send(one) for one in messages))

    async def _send(self, message: SendMessage) -> None:
        for _ in range(TRIES):
            async with self._slots:
                try:
                    await self._call(message)
                except CallFailedError as e:
                    seen = judge(e.fault)
                else:
                    return
            if seen.verdict in (Verdict.UNREACHABLE, Verdict.DEAD, Verdict.GONE, Verdict.UNCHANGED):
                return
            await asyncio.sleep(PAUSE_S if seen.delay_s is None else seen.delay_s)
        self.given_up += 1

    async def _call(self, message: SendMessage) -> None:
        shown = render(message, self._words)
        content = message.content
        if isinstance(content, TextNotice) and content.edit_message_id is not None:
            await self._chat.edit_text(message.chat_id, content.edit_message_id, shown)
        else:
            await self._chat.send_text(message.chat_id, shown)
