"""Proposals that nobody settles must not keep their subscribers from the next signal for ever."""

import asyncio
from datetime import timedelta

import structlog

from services.positions.handlers.ending import SWEPT, Ending
from services.positions.handlers.ground import Ground
from services.positions.handlers.patience import patient
from services.positions.handlers.watch import Watch

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

    async def run(self) -> None:
        """Sweep ten times in a grace, for ever."""
        while True:
            await asyncio.sleep(self._grace_s / 10)
            if self._watch.database_up_s() >= self._grace_s and self._ground.bus.is_connected:
                await patient(lambda: logger.warning("sweep.delayed"))(self._sweep)

    async def _sweep(self) -> None:
        before = self._ground.clock.now() - timedelta(seconds=self._grace_s)
        found = SWEPT
        while found == SWEPT:
            found = await self._ending.void_unsettled(before)
            if found:
                logger.warning("proposal.never_settled", count=found)
