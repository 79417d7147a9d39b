"""Channels: one message for everyone who reads there, and the outcome as its reply.

To positions a channel is a subscriber like any other, with a trade of its own: so its signals and outcomes go out once,
in order and as replies, by the ways that are proven. Here is only told which channels there are.
"""

import asyncio

import structlog

from chassis.bus import Bus
from chassis.clock import Clock
from chassis.errors import AskFailedError, TransientError
from contracts import catalogue
from contracts.asks import DeactivateSubscriber, RegisterSubscriber, SetAuto, SetLanguage
from services.telegram.ports import Channels

AGAIN_S = 600.0
"""How often the channels are told anew: one that could not be reached for a while has signals again after this."""
AWAY_S = 5.0

logger = structlog.get_logger()


class Publishing:
    """Holds what positions knows to the channels that the settings name; `trouble` names those it does not let in."""

    def __init__(self, bus: Bus, kept: Channels, clock: Clock, channels: tuple[int, ...], language: str) -> None:
        self._bus = bus
        self._kept = kept
        self._clock = clock
        self._channels = channels
        self._language = language
        self.trouble = ""

    async def run(self) -> None:
        """Tell the channels, for ever. Cancel it to stop."""
        while True:
            try:
                await self.tell_all()
            except (TransientError, AskFailedError) as e:
                logger.info("channels.delayed", error=str(e))
                await asyncio.sleep(AWAY_S)
            else:
                await asyncio.sleep(AGAIN_S)

    async def tell_all(self) -> None:
        """Bring positions up to date. Raises TransientError, AskFailedError."""
        refused = [chat_id for chat_id in self._channels if not await self._is_let_in(chat_id)]
        names = ", ".join(map(str, refused))
        self.trouble = f"positions does not let in {names}: add to SINYAL_POSITIONS_ALLOWED_IDS" if refused else ""
        if refused:
            logger.warning("channels.refused", reason=self.trouble)
        for chat_id in await self._kept.known() - set(self._channels):
            await self._end(chat_id)

    async def _is_let_in(self, chat_id: int) -> bool:
        await self._kept.remember(chat_id)
        question = RegisterSubscriber(
            subscriber_id=chat_id, chat_id=chat_id, name=f"channel {chat_id}", language=self._language
        )
        try:
            known = await self._bus.ask(catalogue.REGISTER, question)
        except AskFailedError as e:
            if e.code != "not_allowed":
                raise
            return False
        if known.language != self._language:
            await self._bus.ask(catalogue.SET_LANGUAGE, SetLanguage(subscriber_id=chat_id, language=self._language))
        if not known.auto:
            await self._bus.ask(catalogue.SET_AUTO, SetAuto(subscriber_id=chat_id, auto=True))
        return True

    async def _end(self, chat_id: int) -> None:
        """Have nothing more made for a channel that was taken out of the settings."""
        now = self._clock.now()
        question = DeactivateSubscriber(subscriber_id=chat_id, reason="taken out of the channels", seen_at=now)
        try:
            await self._bus.ask(catalogue.DEACTIVATE, question)
        except AskFailedError as e:
            if e.code != "not_registered":
                raise
        await self._kept.forget(chat_id)
