"""What must not grow for ever: the inbox remembers a message for as long as its stream could give it again."""

import asyncio

import structlog

from services.positions.handlers.ground import Ground
from services.positions.handlers.patience import patient

INBOX_DAYS = 31
"""DELIVERIES is kept for 30. SIGNALS is kept for ever, but a signal is refused as expired after its minute, and a
position's id is a function of its signal.
"""
CHUNK = 5_000
EVERY_S = 24 * 3600.0

logger = structlog.get_logger()


class Housekeeping:
    """Forgets once a day, and at every start. Copies may do it at the same time: nothing is counted twice."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def run(self) -> None:
        """Forget what is old, for ever."""
        while True:
            forgotten = 0
            count = CHUNK
            while count == CHUNK:
                count = await self._forget_patiently()
                forgotten += count
            logger.info("inbox.pruned", count=forgotten)
            await asyncio.sleep(EVERY_S)

    async def _forget_patiently(self) -> int:
        count: int = await patient(lambda: logger.info("inbox.unpruned"))(self._forget)
        return count

    async def _forget(self) -> int:
        async with self._ground.store.work() as work:
            return await work.forget_handled(INBOX_DAYS, CHUNK)
