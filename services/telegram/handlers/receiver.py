"""Takes updates in: stored first, confirmed then, so that a crash in between repeats and never loses one."""

import asyncio

import msgspec
import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.errors import TransientError
from chassis.trace import new_trace
from contracts import catalogue
from contracts.messages import UpdateReceived
from services.telegram.domain.updates import NoUpdateError, peek
from services.telegram.ports import PollConflictError, PollRefusedError, UpdateSource

CONFLICT_S = 5.0
"""How long to leave the updates to somebody else who reads them (another copy of ours, while one replaces another)."""
REFUSED_S = 30.0
LONGEST_DELAY_S = 30.0

logger = structlog.get_logger()


class Receiver:
    """Reads updates from one source for as long as it runs; `trouble` says why none come, or nothing."""

    def __init__(self, bus: Bus, source: UpdateSource, clock: Clock) -> None:
        self._bus = bus
        self._source = source
        self._clock = clock
        self._offset: int | None = None
        self._failures = 0
        self.trouble = "not connected yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set; then confirm what is stored."""
        metrics.RECEIVER_MODE.labels("polling").set(1)
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(self._poll())
            await stop.wait()
            polling.cancel()
        await self._confirm()

    async def _poll(self) -> None:
        while True:
            try:
                # in trouble the answer is wanted at once: a long poll would hide for a while that all is well again
                await self._take(await self._source.fetch(self._offset, is_patient=not self.trouble))
            except PollConflictError as e:
                await self._rest("conflict", str(e), CONFLICT_S)
            except PollRefusedError as e:
                await self._rest("SINYAL_TELEGRAM_TOKEN refused", str(e), REFUSED_S)
            except TransientError as e:
                self._failures += 1
                delay_s = min(LONGEST_DELAY_S, 0.5 * 2.0 ** min(self._failures - 1, 8))
                await self._rest("away", str(e), delay_s if e.delay_s is None else e.delay_s)
            else:
                self._recover()

    async def _take(self, updates: list[bytes]) -> None:
        """Store updates in order. The offset moves behind each one that is stored: those are never asked for again."""
        for raw in updates:
            try:
                seen = peek(raw)
            except NoUpdateError as e:  # without a number it cannot even be confirmed by itself
                metrics.MALFORMED.labels(catalogue.UPDATE.name).inc()
                logger.warning("update.malformed", error=str(e))
                continue
            update = UpdateReceived(
                id=f"u:{seen.update_id}",
                at=self._clock.now(),
                trace=new_trace(),
                update_id=seen.update_id,
                key=seen.key,
                raw=msgspec.Raw(raw),
            )
            await self._bus.publish(catalogue.UPDATE, update, seen.key)
            metrics.UPDATES.labels(seen.kind).inc()
            self._offset = seen.update_id + 1

    async def _rest(self, state: str, reason: str, delay_s: float) -> None:
        if not self.trouble or self._failures <= 1:
            logger.warning("receiver.troubled", state=state, reason=reason, delay_s=delay_s)
        self.trouble = f"{state}: {reason}"
        await asyncio.sleep(delay_s)

    def _recover(self) -> None:
        if self.trouble:
            logger.info("receiver.connected")
        self.trouble, self._failures = "", 0

    async def _confirm(self) -> None:
        """Say once more what is stored: the poll that was cut short may never have left."""
        if self._offset is None:
            return
        try:
            await self._source.confirm(self._offset)
        except (PollConflictError, PollRefusedError, TransientError) as e:
            logger.info("receiver.unconfirmed", reason=str(e))
