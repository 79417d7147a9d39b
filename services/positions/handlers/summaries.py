"""The daily summary: every person is told at the end of his own day, once, and only if something closed. Who has it
off is passed over; what he was not told of is not made up for later.
"""

from datetime import datetime

import structlog

from chassis.trace import new_trace
from services.positions.domain.summary import DayEnd, last_day_end, summary_message
from services.positions.handlers.ground import Ground
from services.positions.handlers.speech import sent
from services.positions.ports import Turn

PAGE = 500

logger = structlog.get_logger()


class DailySummary:
    """Sums up days. What is told is marked in the transaction that stores the message."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._done: dict[str, datetime] = {}

    async def tell(self, turn: Turn) -> None:
        """Tell everybody whose day has ended and who was not told; after an outage, the last day's end counts for all
        before it.
        """
        async with self._ground.store.work() as work:
            zones = await work.summaries.zones()
        now = self._ground.clock.now()
        for zone in zones:
            end = last_day_end(now, zone)
            if self._done.get(zone) != end.at:
                await self._tell_zone(turn, zone, end)
                self._done[zone] = end.at

    async def _tell_zone(self, turn: Turn, zone: str, end: DayEnd) -> None:
        told = 0
        while (page := await self._tell_page(turn, zone, end)) is not None:
            told += page
        if told:
            logger.info("day.summarised", key=zone, count=told)

    async def _tell_page(self, turn: Turn, zone: str, end: DayEnd) -> int | None:
        """Tell some people; returns how many of them had something to be told, None where nobody is left."""
        async with self._ground.store.work() as work:
            await work.jobs.hold(turn)
            days = await work.summaries.take(zone, since=end.before, until=end.at, limit=PAGE)
            at, trace = self._ground.clock.now(), new_trace()
            busy = [day for day in days if day.trades and day.loudness.is_told]
            await work.say([sent(summary_message(day, end, at, trace)) for day in busy])
        return len(busy) if days else None
