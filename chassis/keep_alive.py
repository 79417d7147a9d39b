"""Keeping a delivery ours while work on it takes longer than the broker waits for a word."""

import asyncio
from typing import Self

import structlog

from chassis.bus import Delivery
from chassis.errors import TransientError

logger = structlog.get_logger()


class KeepAlive:
    """Tells the broker every third of `ack_wait` that the work goes on; else it would be given to another.

    A timer, not a task: most messages are settled long before the first beat.
    """

    def __init__(self, delivery: Delivery, ack_wait_s: float) -> None:
        self._delivery = delivery
        self._every_s = ack_wait_s / 3
        self._timer: asyncio.TimerHandle | None = None
        self._beat: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        self._wind()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def _wind(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._ring)

    def _ring(self) -> None:
        self._beat = asyncio.ensure_future(self._say())
        self._wind()

    async def _say(self) -> None:
        try:
            await self._delivery.in_progress()
        except TransientError as e:
            logger.warning("message.unattended", key=self._delivery.message.subject, error=str(e))


def keep_alive(delivery: Delivery, ack_wait_s: float) -> KeepAlive:
    """Keep a delivery ours while the context is open."""
    return KeepAlive(delivery, ack_wait_s)
