"""Tells the product how a send ended, and asks for what follows from it: a picture for a text that went alone."""

from datetime import timedelta

import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.trace import child_trace
from contracts import catalogue, ids
from contracts.messages import DeliverySettled, DeliveryState, PictureNotice, SendClass, SendMessage
from services.telegram.domain.attempt import Row

PICTURE_LIFE = timedelta(minutes=10)
"""How long a picture is worth joining once it is drawn; how long it may take to be drawn is a setting."""

_LATENCIES = {SendClass.SIGNAL: metrics.SIGNAL_TO_SENT, SendClass.EXIT: metrics.EXIT_TO_SENT}

logger = structlog.get_logger()


class Announcer:
    """Publishes what became of sends. Every id is a pure function of the send: a repeat is the same message."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    async def announce(self, send: SendMessage, row: Row) -> None:
        """Publish how a send ended. Raises TransientError while the broker is away."""
        assert isinstance(row.state, DeliveryState)
        settled = DeliverySettled(
            id=f"{send.id}:{row.state.value}",
            at=self._clock.now(),
            trace=child_trace(send.trace),
            send_id=send.id,
            chat_id=send.chat_id,
            subscriber_id=send.subscriber_id,
            kind=send.kind,
            state=row.state,
            reason=row.reason,
            attempts=row.attempts,
            position_id=send.position_id,
            message_id=row.message_id,
            deactivate=row.deactivate,
        )
        is_new = await self._bus.publish(catalogue.DELIVERY, settled, row.state.value, send.chat_id)
        if row.state is DeliveryState.DELIVERED and row.html is not None and send.chart_key is not None:
            await self._ask_for_picture(send, send.chart_key)
        if is_new:
            self._record(send, row)

    async def _ask_for_picture(self, send: SendMessage, chart_key: str) -> None:
        """Make joining the picture durable work of its own."""
        now = self._clock.now()
        join = SendMessage(
            id=picture_send_id(send),
            at=now,
            trace=child_trace(send.trace),
            chat_id=send.chat_id,
            subscriber_id=send.subscriber_id,
            kind=SendClass.PICTURE,
            content=PictureNotice(join_send_id=send.id, chart_key=chart_key),
            language=send.language,
            time_zone=send.time_zone,
            expires_at=now + PICTURE_LIFE,
            thread_id=send.thread_id,
            protect=send.protect,
        )
        await self._bus.publish(catalogue.SEND, join, SendClass.PICTURE.value, send.chat_id)

    def _record(self, send: SendMessage, row: Row) -> None:
        metrics.SENDS.labels(send.kind.value, row.state.value).inc()
        if row.state is DeliveryState.DELIVERED and send.kind in _LATENCIES:
            _LATENCIES[send.kind].observe(max(0.0, (self._clock.now() - send.at).total_seconds()))
        logger.info(
            "send.settled",
            send_id=send.id,
            chat_id=send.chat_id,
            state=row.state.value,
            attempt=row.attempts,
            reason=row.reason,
            position_id=send.position_id,
        )


def picture_send_id(send: SendMessage) -> str:
    """Name the send that joins a picture to a text. A signal's belongs to its position."""
    is_of_position = send.kind is SendClass.SIGNAL and send.position_id is not None
    return ids.send_id(send.position_id if is_of_position and send.position_id else send.id, "picture")
