"""Sends that the broker gave up on: what became of them is told all the same, so that nobody waits for ever."""

from chassis.bus import Stored
from contracts import catalogue, codec
from contracts.channels import Consumer
from contracts.messages import DeliveryState, SendMessage
from services.telegram.domain.attempt import Close
from services.telegram.handlers.announcer import Announcer
from services.telegram.handlers.courier import Courier
from services.telegram.ports import Gate

HOLD_S = 3600.0
"""How long a settling waits for the database in one piece: the collector gives it ten tries."""


class Abandoned:
    """Settles sends that went to the dead letters behind our back: too many crashes, or terminated by hand."""

    def __init__(self, courier: Courier, announcer: Announcer, gate: Gate) -> None:
        self._courier = courier
        self._announcer = announcer
        self._gate = gate

    async def mourn(self, consumer: Consumer, stored: Stored, reason: str) -> None:
        """Tell how a buried send ended: as its row says, else dead. Raises TransientError: ask again."""
        if consumer.name != catalogue.TELEGRAM_SENDS.name:
            return
        try:
            send = codec.decode(stored.body, SendMessage)
        except codec.MalformedError:  # nobody waits for what was no message
            return
        await self._gate.admit_in_time(HOLD_S)
        row = await self._courier.settle(send, Close(DeliveryState.DEAD, reason[:200]))
        await self._announcer.announce(send, row)
