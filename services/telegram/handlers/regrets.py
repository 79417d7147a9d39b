"""A word to people who ask while our database is away: heard, and answered when it is back.

It is the only thing that is sent without a row: at most once a person and outage, and never again where the call
failed. What was asked waits with the broker, and is answered then; so what this loses or doubles is courtesy alone.
"""

import asyncio

import structlog

from services.telegram.domain import answers
from services.telegram.domain.updates import Voice, voice
from services.telegram.domain.words import Catalogue, guess_language, in_language
from services.telegram.handlers.turnstile import Turnstile
from services.telegram.ports import CallFailedError, Chat, Gate

AT_ONCE = 16
CALL_S = 10.0
"""How long a call may take: a word of patience that comes later is none."""

logger = structlog.get_logger()


class Regrets:
    """Tells people that they were heard."""

    def __init__(self, gate: Gate, turnstile: Turnstile, chat: Chat, words: Catalogue) -> None:
        self._gate = gate
        self._turnstile = turnstile
        self._chat = chat
        self._words = words
        self._told: set[int] = set()
        self._waiting: asyncio.Queue[Voice] = asyncio.Queue()

    def heard(self, raw: bytes) -> None:
        """Learn of an update that was stored."""
        if not self._is_away:
            self._told.clear()
            return
        who = voice(raw)
        if who is not None and who.chat_id not in self._told:
            self._told.add(who.chat_id)
            self._waiting.put_nowait(who)

    async def run(self) -> None:
        """Tell people for ever. Cancel it to stop."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._tell_all())

    @property
    def _is_away(self) -> bool:
        return self._gate.is_open or self._gate.is_full

    async def _tell_all(self) -> None:
        while True:
            who = await self._waiting.get()
            async with self._turnstile.passing(who.chat_id):
                if self._is_away:  # else the answer itself comes now
                    await self._tell(who)

    async def _tell(self, who: Voice) -> None:
        words = in_language(self._words, guess_language(who.language_code))
        try:
            async with asyncio.timeout(CALL_S):
                if who.press_id is not None:
                    await self._chat.answer_press(who.press_id, str(words("answer.later")))
                else:
                    await self._chat.send_text(who.chat_id, answers.plain("answer.later", words))
        except (CallFailedError, TimeoutError) as e:
            logger.info("regret.untold", chat_id=who.chat_id, reason=type(e).__name__)
        else:
            logger.info("regret.told", chat_id=who.chat_id)
