"""One loop for all rooms: fetch → decode → handle → settle. What a handler raises is its message's fate.

| raised | fate |
|---|---|
| nothing | done: ack |
| TransientError | try later: nak with its delay, or a growing one, at most 30 s; longer ones are scheduled where the \
stream can |
| RejectedError, malformed bytes | never: to the dead letters with the reason, then term |
| anything else | bug: nak with growing delay; the last delivery goes to the dead letters |
| cancelled | leaving: nothing; it is delivered again |

A TaskGroup in a handler wraps what was raised; a group of one counts as the error in it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from chassis import metrics
from chassis.bus import Bus, Delivery, Outgoing, Stored
from chassis.clock import Clock
from chassis.dead_letters import BURIED, bury, topic_name
from chassis.errors import RejectedError, TransientError
from chassis.keep_alive import keep_alive
from chassis.subjects import matches, published_of
from contracts import catalogue, codec
from contracts.channels import Consumer, Topic

MAX_DELAY_S = 30.0
"""A longer delay would hold a slot of `in_flight` for too long."""
MIN_DELAY_S = 0.05
"""A nak without delay is a hot loop (measured: 890 redeliveries a second)."""
ATTEMPTS_HEADER = "Sinyal-Attempts"
"""How often a scheduled message was tried before it was put off."""

_SCHEDULING = {stream.name for stream in catalogue.STREAMS if stream.schedules}

logger = structlog.get_logger()

Handler = Callable[[Any, Stored], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """Which handler takes the messages of a topic."""

    topic: Topic[Any]
    handle: Handler


def growing_delay(attempt: int) -> float:
    """Wait 1, 2, 4 … seconds, at most 30, before delivery `attempt` + 1."""
    return min(MAX_DELAY_S, 2.0 ** min(attempt - 1, 5))


class Settler:
    """Runs handlers on deliveries of one consumer and settles each by what its handler raised."""

    def __init__(self, bus: Bus, consumer: Consumer, routes: tuple[Route, ...], clock: Clock) -> None:
        self._bus = bus
        self._consumer = consumer
        self._clock = clock
        self._routes = routes

    async def settle(self, delivery: Delivery) -> None:
        """Handle one delivery and settle it. Raises only what the broker raises."""
        route = self._route(delivery.message.subject)
        if route is None:
            subject = delivery.message.subject
            await self.bury(delivery, topic_name(subject), f"no handler for {subject}")
            return
        started = time.perf_counter()
        try:
            message = codec.decode(delivery.message.body, route.topic.payload)
            async with keep_alive(delivery, self._consumer.ack_wait_s):
                await route.handle(message, delivery.message)
        except Exception as e:  # noqa: BLE001  # the fates: nothing a handler raises may end the loop
            await self._decide(delivery, route.topic.name, _unwrapped(e))
        else:
            await delivery.ack()
            self._done(delivery, route.topic.name, started)

    async def _decide(self, delivery: Delivery, topic: str, error: Exception) -> None:
        if isinstance(error, TransientError):
            await self._later(delivery, topic, error)
        elif isinstance(error, (RejectedError, codec.MalformedError)):
            if isinstance(error, codec.MalformedError):
                metrics.MALFORMED.labels(topic).inc()
            await self.bury(delivery, topic, str(error))
        else:
            await self._bug(delivery, topic, error)

    def _route(self, subject: str) -> Route | None:
        return next((route for route in self._routes if matches(route.topic.stored, subject)), None)

    def _done(self, delivery: Delivery, topic: str, started: float) -> None:
        took_s = time.perf_counter() - started
        metrics.HANDLED.labels(self._consumer.name, topic).inc()
        metrics.HANDLE_SECONDS.labels(self._consumer.name).observe(took_s)
        logger.info(
            "message.handled",
            topic=topic,
            key=delivery.message.subject,
            seq=delivery.message.sequence,
            delivered=delivery.attempt,
            took_ms=round(took_s * 1000, 2),
        )

    async def _later(self, delivery: Delivery, topic: str, error: TransientError) -> None:
        metrics.RETRIED.labels(self._consumer.name, topic).inc()
        attempts = _attempts(delivery)
        if attempts >= self._consumer.max_deliver:
            await self.bury(delivery, topic, f"gave up: {error}")
            return
        delay_s = growing_delay(delivery.attempt) if error.delay_s is None else error.delay_s
        if attempts == 1:
            logger.warning(
                "message.delayed", topic=topic, key=delivery.message.subject, delay_s=delay_s, error=str(error)
            )
        if delay_s > MAX_DELAY_S and self._consumer.stream in _SCHEDULING:
            await self._schedule(delivery, delay_s, attempts)
        else:
            await delivery.nak(max(MIN_DELAY_S, min(MAX_DELAY_S, delay_s)))

    async def _schedule(self, delivery: Delivery, delay_s: float, attempts: int) -> None:
        """Store it as a message of later, then end this one: a long nak would hold its slot."""
        stored = delivery.message
        headers = {key: value for key, value in stored.headers.items() if not key.startswith("Nats-")}
        identity = f"{self._consumer.stream}:{stored.sequence}"
        later = Outgoing(
            published_of(stored.subject), stored.body, identity, {**headers, ATTEMPTS_HEADER: str(attempts)}
        )
        await self._bus.publish_later(later, self._clock.now() + timedelta(seconds=delay_s))
        await delivery.ack()

    async def _bug(self, delivery: Delivery, topic: str, error: Exception) -> None:
        metrics.BUGS.labels(self._consumer.name, topic).inc()
        key, sequence = delivery.message.subject, delivery.message.sequence
        logger.error("message.failed", topic=topic, key=key, seq=sequence, exc_info=error)
        if _attempts(delivery) >= self._consumer.max_deliver:
            await self.bury(delivery, topic, f"{type(error).__name__}: {error}")
        else:
            await delivery.nak(growing_delay(delivery.attempt))

    async def bury(self, delivery: Delivery, topic: str, reason: str) -> None:
        """Move a delivery to the dead letters, then end it."""
        attempts = _attempts(delivery)
        await bury(self._bus, self._clock, self._consumer, delivery.message, reason=reason, attempts=attempts)
        metrics.DEAD.labels(self._consumer.name, topic).inc()
        await delivery.term(f"{BURIED}{reason[:200]}")


async def consume(
    bus: Bus,
    consumer: Consumer,
    routes: Mapping[Topic[Any], Handler],
    *,
    clock: Clock,
    concurrency: int = 1,
    ahead: int | None = None,
) -> None:
    """Handle the deliveries of a consumer for ever, `concurrency` at a time; 1 keeps their order.

    `ahead` 0 fetches only what can begin at once: for slow work that copies share. Cancel it to stop: what is in hand
    is left to be delivered again.
    """
    settler = Settler(bus, consumer, tuple(Route(topic, handle) for topic, handle in routes.items()), clock)
    slots = asyncio.Semaphore(concurrency)

    async def work(delivery: Delivery) -> None:
        try:
            await settler.settle(delivery)
        except TransientError as e:
            logger.warning("message.unsettled", key=delivery.message.subject, error=str(e))
        finally:
            slots.release()

    async with bus.deliveries(consumer, ahead=ahead) as deliveries, asyncio.TaskGroup() as group:
        while True:
            await slots.acquire()
            delivery = await anext(deliveries)
            if concurrency == 1:
                await work(delivery)
            else:
                group.create_task(work(delivery))


def _attempts(delivery: Delivery) -> int:
    """Count the attempts of a message, those before it was scheduled included."""
    earlier = delivery.message.headers.get(ATTEMPTS_HEADER, "0")
    return delivery.attempt + (int(earlier) if earlier.isdigit() else 0)


def _unwrapped(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
