"""Stores one raw update, however it came: by a poll or by a push. What is stored twice is one."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.errors import RejectedError
from chassis.trace import new_trace
from contracts import catalogue
from contracts.messages import UpdateReceived
from services.telegram.domain.updates import NoUpdateError, peek

logger = structlog.get_logger()

Heard = Callable[[bytes], None]
"""Is told of each update once it is stored. It must not block."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an update: `stored`, `repeated` where it was known, `malformed` where nothing could be kept; and
    its number where it has one.
    """

    outcome: str
    update_id: int | None = None


class Intake:
    """Where updates enter the broker."""

    def __init__(self, bus: Bus, clock: Clock, heard: Heard | None = None) -> None:
        self._bus = bus
        self._clock = clock
        self._heard = heard

    async def take(self, raw: bytes) -> Taken:
        """Store an update; one that can never be kept is counted, so that it blocks nobody.

        Raises:
            TransientError: it is not stored; let it come again.
        """
        try:
            seen = peek(raw)
        except NoUpdateError as e:  # without a number it cannot even be confirmed by itself
            return self._malformed(str(e), None)
        update = UpdateReceived(
            id=f"u:{seen.update_id}",
            at=self._clock.now(),
            trace=new_trace(),
            update_id=seen.update_id,
            key=seen.key,
            raw=msgspec.Raw(raw),
        )
        try:
            is_new = await self._bus.publish(catalogue.UPDATE, update, seen.key)
        except RejectedError as e:  # larger than the broker takes; Telegram would bring it for a day
            return self._malformed(str(e), seen.update_id)
        metrics.UPDATES.labels(seen.kind).inc()
        if is_new and self._heard is not None:
            self._heard(raw)
        return Taken("stored" if is_new else "repeated", seen.update_id)

    async def take_pushed(self, raw: bytes) -> str:
        """Store an update that was pushed, and say in a word what became of it. Raises TransientError."""
        return (await self.take(raw)).outcome

    def _malformed(self, reason: str, update_id: int | None) -> Taken:
        metrics.MALFORMED.labels(catalogue.UPDATE.name).inc()
        logger.warning("update.malformed", error=reason)
        return Taken("malformed", update_id)
