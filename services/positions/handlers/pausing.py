"""Signals pause after slippage, and go on when the market is calm: stored for every copy, told to operators once."""

import structlog

from chassis.trace import new_trace
from services.positions.domain import news, notices
from services.positions.domain.calm import Pause
from services.positions.domain.subscriber import Person
from services.positions.handlers.ground import Ground
from services.positions.handlers.people import Newcomer
from services.positions.handlers.speech import sent
from services.positions.ports import Work

logger = structlog.get_logger()


class Pausing:
    """Stores pauses."""

    def __init__(self, ground: Ground, newcomer: Newcomer) -> None:
        self._ground = ground
        self._newcomer = newcomer

    async def store(self, work: Work, symbol: str, pause: Pause) -> None:
        """Store that a pause began or ended, and tell the operators."""
        await work.progress.pause(symbol, pause)
        stamp = notices.Stamp(self._ground.clock.now(), new_trace())
        operators = [await self._operator(work, one) for one in sorted(self._ground.access.operator_ids)]
        await work.say([sent(news.paused(symbol, pause, one, stamp)) for one in operators])
        logger.warning("signals.paused" if pause.until_ms is None else "signals.resumed", symbol=symbol)

    async def _operator(self, work: Work, subscriber_id: int) -> Person:
        """Look an operator up; one who never pressed start is told as a newcomer would be."""
        return await work.subscribers.find(subscriber_id) or Person(
            subscriber_id=subscriber_id,
            chat_id=subscriber_id,
            language=self._newcomer.language,
            time_zone=self._newcomer.time_zone,
            auto=False,
            lots=self._newcomer.lots,
            active=True,
        )
