"""Proposals that nobody settles must not keep their subscribers from the next signal for ever."""

from datetime import timedelta

import structlog

from services.positions.handlers.ending import SWEPT, Ending
from services.positions.handlers.ground import Ground
from services.positions.handlers.watch import Watch
from services.positions.ports import Turn

logger = structlog.get_logger()


class Sweep:
    """Voids proposals whose message expired more than `grace_s` ago and of which nothing was heard.

    It holds back until the database has answered for as long: settlements that waited in the broker come first.
    """

    def __init__(self, ground: Ground, ending: Ending, watch: Watch, grace_s: float) -> None:
        self._ground = ground
        self._ending = ending
        self._watch = watch
        self._grace_s = grace_s

    async def sweep(self, _turn: Turn) -> None:
        """Void what nobody settles. Its rows are locked and versioned: what is done twice is done once."""
        if self._watch.database_up_s() < self._grace_s or not self._ground.bus.is_connected:
            return
        before = self._ground.clock.now() - timedelta(seconds=self._grace_s)
        found = SWEPT
        while found == SWEPT:
            found = await self._ending.void_unsettled(before)
            if found:
                logger.warning("proposal.never_settled", count=found)
