"""Works stored updates off: one after the other for each chat, chats side by side, and no update stops another."""

import asyncio
from dataclasses import dataclass, field

import structlog

from chassis.bus import Bus, Delivery, Stored
from chassis.clock import Clock
from chassis.consume import Route, Settler
from chassis.errors import DatabaseAwayError, TransientError
from chassis.keep_alive import keep_alive
from contracts import catalogue
from contracts.messages import UpdateReceived
from services.telegram.ports import Dialogue, Gate

CONSUMER = catalogue.TELEGRAM_UPDATES
HOLD_S = 3600.0
"""How long an update is kept in hand while our database is away. The broker then gives it again: ten hours in all,
where the broker's own delays would bury it after three minutes.
"""

logger = structlog.get_logger()


@dataclass(slots=True)
class _Line:
    """The line of one chat: how many are in it, and whose turn it is."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class UpdateWorker:
    """Feeds the dialogue; while our database is away, updates are kept in hand. Answers could not be sent, and would be
    old when they can.
    """

    def __init__(self, bus: Bus, dialogue: Dialogue, clock: Clock, gate: Gate) -> None:
        self._bus = bus
        self._dialogue = dialogue
        self._settler = Settler(bus, CONSUMER, (Route(catalogue.UPDATE, self._handle),), clock)
        self._gate = gate
        self._lines: dict[str, _Line] = {}
        self._leaving = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, and end what is in hand; what waits for the database is left to who comes next."""
        async with self._bus.deliveries(CONSUMER) as deliveries, asyncio.TaskGroup() as workers:

            async def take() -> None:
                async for delivery in deliveries:
                    workers.create_task(self._work(delivery, self._join(delivery)))

            taking = workers.create_task(take())
            await stop.wait()
            self._leaving.set()
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
        while True:
            await self._until_there()
            try:
                await self._dialogue.feed(bytes(update.raw), update.trace)
            except DatabaseAwayError:
                if not self._gate.is_open:
                    raise
            else:
                return

    async def _until_there(self) -> None:
        """Wait until the database answers; whoever waits when we stop is cancelled, and nothing was done.

        Raises:
            DatabaseAwayError: it did not for an hour.
        """
        waiting = asyncio.ensure_future(self._gate.admit_in_time(HOLD_S))
        leaving = asyncio.ensure_future(self._leaving.wait())
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise asyncio.CancelledError
            waiting.result()
        finally:
            waiting.cancel()
            leaving.cancel()
