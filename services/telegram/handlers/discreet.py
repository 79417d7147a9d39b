"""Carries sends, and keeps nothing of people who had themselves erased, whatever was under way to them."""

from contracts.messages import DeliveryState, SendMessage
from services.telegram.domain.attempt import Close, Row
from services.telegram.domain.pictures import PictureRoom
from services.telegram.handlers.courier import Carried, Courier, Ended
from services.telegram.handlers.letters import Writer
from services.telegram.handlers.turnstile import Turnstile
from services.telegram.ports import Deliveries, Forgotten

ERASED = "erased"


class DiscreetCourier(Courier):
    """A courier that asks first whether the person is forgotten, and takes him out of the row afterwards."""

    def __init__(
        self,
        writer: Writer,
        deliveries: Deliveries,
        pictures: PictureRoom,
        most_attempts: int,
        turnstile: Turnstile,
        *,
        forgotten: Forgotten,
    ) -> None:
        super().__init__(writer, deliveries, pictures, most_attempts, turnstile)
        self._forgotten = forgotten

    async def carry(self, send: SendMessage, *, is_expired: bool, is_redriven: bool = False) -> Carried:
        """Carry a send; one that was said to a person before he was forgotten ends void, without a call."""
        if await self._forgotten.is_over(send):
            ended = await self._close(send, Close(DeliveryState.VOID, ERASED), await self._deliveries.find(send.id))
            await self._forgotten.scrub(send)
            return ended
        carried = await super().carry(send, is_expired=is_expired, is_redriven=is_redriven)
        if isinstance(carried, Ended):
            await self._forgotten.scrub(send)
        return carried

    async def settle(self, send: SendMessage, close: Close) -> Row:
        """Write that a send ended without another call."""
        row = await super().settle(send, close)
        await self._forgotten.scrub(send)
        return row
