"""What must not grow for ever: the inbox remembers a message for as long as its stream could give it again, and what
ended long ago does not stand in the way of what lives.
"""

import structlog

from services.positions.handlers.ground import Ground
from services.positions.ports import Turn

INBOX_DAYS = 31
"""DELIVERIES is kept for 30. SIGNALS is kept for ever, but a signal is refused as expired after its minute, and a
position's id is a function of its signal.
"""
CHUNK = 5_000
ARCHIVED_AT_ONCE = 500
EVERY_S = 24 * 3600.0

logger = structlog.get_logger()


class Housekeeping:
    """Forgets and puts away, in chunks that hold nobody up."""

    def __init__(self, ground: Ground, archive_after_days: int) -> None:
        self._ground = ground
        self._archive_after_days = archive_after_days

    async def forget(self, turn: Turn) -> None:
        """Forget the messages that cannot come again."""
        forgotten, count = 0, CHUNK
        while count == CHUNK:
            async with self._ground.store.work() as work:
                await work.jobs.hold(turn)
                count = await work.forget_handled(INBOX_DAYS, CHUNK)
            forgotten += count
        logger.info("inbox.pruned", count=forgotten)

    async def put_away(self, turn: Turn) -> None:
        """Move what closed long ago into the archive, and drop what was void."""
        moved, count = 0, ARCHIVED_AT_ONCE
        while count == ARCHIVED_AT_ONCE:
            async with self._ground.store.work() as work:
                await work.jobs.hold(turn)
                count = await work.archive.move(self._archive_after_days, ARCHIVED_AT_ONCE)
            moved += count
        logger.info("positions.archived", count=moved)
