"""Scheduled work: each job by one copy at a time, and once however often its time went by while nobody was there.

A job is leased for LEASE_S and the lease is renewed while it works. A copy that dies leaves it to the next one when
the lease is over; a copy that was frozen finds its turn over, and `hold` in its transactions keeps it from writing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from chassis import metrics
from chassis.errors import TransientError
from services.positions.handlers.ground import Ground
from services.positions.handlers.patience import patient
from services.positions.ports import Turn, TurnOverError

LEASE_S = 30.0
LONGEST_SLEEP_S = 5.0
"""How long a copy looks away from a job: so much later than the lease's end another one takes over."""
LEAST_SLEEP_S = 0.05

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done every so often; `do` is told its turn."""

    name: str
    every_s: float
    do: Callable[[Turn], Awaitable[None]]


class JobRunner:
    """Does one job, whenever it is this copy's turn."""

    def __init__(self, ground: Ground, job: Job, *, lease_s: float = LEASE_S) -> None:
        self._ground = ground
        self._job = job
        self._lease_s = lease_s

    async def run(self) -> None:
        """Do it for ever."""
        await patient(self._tell_delay)(self._plan)
        while True:
            taken: tuple[Turn | None, float] = await patient(self._tell_delay)(self._take)
            turn, wait_s = taken
            if turn is not None:
                await self._do(turn)
            await asyncio.sleep(max(LEAST_SLEEP_S, min(wait_s, LONGEST_SLEEP_S)))

    async def _plan(self) -> None:
        async with self._ground.store.work() as work:
            await work.jobs.plan(self._job.name, self._job.every_s)

    async def _take(self) -> tuple[Turn | None, float]:
        """Take the job, or tell how long to wait for it."""
        async with self._ground.store.work() as work:
            turn = await work.jobs.take(self._job.name, self._lease_s)
            return turn, 0.0 if turn is not None else await work.jobs.due_in_s(self._job.name)

    async def _do(self, turn: Turn) -> None:
        outcome = "done"
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep(turn))
                await self._job.do(turn)
                keeping.cancel()
            await self._close(turn, None)
        except* TurnOverError as e:
            outcome = "lost"
            logger.warning("job.lost", key=self._job.name, error=str(e.exceptions[0]))
        except* TransientError as e:
            outcome = await self._failed(turn, str(e.exceptions[0]))
            logger.warning("job.delayed", key=self._job.name, error=str(e.exceptions[0]))
        except* Exception as e:  # a bug in one job must not stop the room
            outcome = await self._failed(turn, repr(e.exceptions[0]))
            logger.exception("job.failed", key=self._job.name)
        metrics.JOBS.labels(self._job.name, outcome).inc()

    async def _keep(self, turn: Turn) -> None:
        """Renew the lease three times in its length. While the database is away nobody else can take it either."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                async with self._ground.store.work() as work:
                    await work.jobs.renew(turn, self._lease_s)
            except TransientError as e:
                logger.info("job.unrenewed", key=self._job.name, error=str(e))

    async def _failed(self, turn: Turn, error: str) -> str:
        try:
            await self._close(turn, error)
        except TurnOverError:
            return "lost"
        return "failed"

    async def _close(self, turn: Turn, error: str | None) -> None:
        """Give the job back, however long the database is away."""

        async def close() -> None:
            async with self._ground.store.work() as work:
                await (work.jobs.end(turn) if error is None else work.jobs.fail(turn, error))

        await patient(self._tell_delay)(close)

    def _tell_delay(self) -> None:
        logger.warning("job.waiting", key=self._job.name)
