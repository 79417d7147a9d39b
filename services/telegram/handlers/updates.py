"""Works stored updates off: one after the other for each chat, chats side by side, and no update stops another."""

import asyncio
from dataclasses import dataclass, field

import structlog

from chassis.bus import Bus, Delivery, Stored
from chassis.clock import Clock
from chassis.consume import Route, Settler, keep_alive
from chassis.errors import TransientError
from contracts import catalogue
from contracts.messages import UpdateReceived
from services.telegram.ports import Dialogue

CONSUMER = catalogue.TELEGRAM_UPDATES

logger = structlog.get_logger()


@dataclass(slots=True)
class _Line:
    """The line of one chat: how many are in it, and whose turn it is."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class UpdateWorker:
    """Feeds the dialogue."""

    def __init__(self, bus: Bus, dialogue: Dialogue, clock: Clock) -> None:
        self._bus = bus
        self._dialogue = dialogue
        self._settler = Settler(bus, CONSUMER, (Route(catalogue.UPDATE, self._handle),), clock)
        self._lines: dict[str, _Line] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, and end what is in hand."""
        async with self._bus.deliveries(CONSUMER) as deliveries, asyncio.TaskGroup() as workers:

            async def take() -> None:
                async for delivery in deliveries:
                    workers.create_task(self._work(delivery, self._join(delivery)))

            taking = workers.create_task(take())
            await stop.wait()
            taking.cancel()

    def _join(self, delivery: Delivery) -> _Line:
        line = self._lines.setdefault(delivery.message.subject, _Line())
        line.length += 1
        return line

    async def _work(self, delivery: Delivery, line: _Line) -> None:
        try:
            async with keep_alive(delivery, CONSUMER.ack_wait_s), line.turn:
                await self._settler.settle(delivery)
        except TransientError as e:
            logger.warning("message.unsettled", key=delivery.message.subject, error=str(e))
        finally:
            line.length -= 1
            if line.length == 0:
                self._lines.pop(delivery.message.subject, None)

    async def _handle(self, update: UpdateReceived, _stored: Stored) -> None:
        await self._dialogue.feed(bytes(update.raw), update.trace)
