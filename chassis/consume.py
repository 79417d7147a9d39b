"""One loop for all rooms: fetch → decode → handle → settle. What a handler raises is its message's fate.

| raised | fate |
|---|---|
| nothing | done: ack |
| TransientError | try later: nak with its delay, or a growing one, at most 30 s |
| RejectedError, malformed bytes | never: to the dead letters with the reason, then term |
| anything else | bug: nak with growing delay; the last delivery goes to the dead letters |
| cancelled | leaving: nothing; it is delivered again |
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from chassis import metrics
from chassis.bus import Bus, Delivery, Stored
from chassis.clock import Clock
from chassis.errors import RejectedError, TransientError
from contracts import catalogue, codec
from contracts.catalogue import Consumer, Topic
from contracts.ids import digest
from contracts.messages import DeadLetter

MAX_DELAY_S = 30.0
"""A longer delay would hold a slot of `max_ack_pending` for too long: schedule the message instead."""

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
        self._routes = {_key(route.topic.stored): route for route in routes}

    async def settle(self, delivery: Delivery) -> None:
        """Handle one delivery and settle it. Raises only what the broker raises."""
        route = self._route(delivery.message.subject)
        if route is None:
            subject = delivery.message.subject
            await self.bury(delivery, subject.split(".")[0], f"no handler for {subject}")
            return
        topic = route.topic.name
        started = time.perf_counter()
        try:
            message = codec.decode(delivery.message.body, route.topic.payload)
            async with keep_alive(delivery, self._consumer.ack_wait_s):
                await route.handle(message, delivery.message)
        except TransientError as e:
            await self._later(delivery, topic, e)
        except (RejectedError, codec.MalformedError) as e:
            await self.bury(delivery, topic, str(e))
        except Exception as e:  # noqa: BLE001  # the fourth fate: a bug stays loud and the message is not lost
            await self._bug(delivery, topic, e)
        else:
            await delivery.ack()
            self._done(delivery, topic, started)

    def _route(self, subject: str) -> Route | None:
        parts = subject.split(".")
        return next((route for pattern, route in self._routes.items() if _matches(pattern, parts)), None)

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
        if delivery.attempt >= self._consumer.max_deliver:
            await self.bury(delivery, topic, f"gave up: {error}")
            return
        delay_s = min(MAX_DELAY_S, growing_delay(delivery.attempt) if error.delay_s is None else error.delay_s)
        if delivery.attempt == 1:
            logger.warning(
                "message.delayed", topic=topic, key=delivery.message.subject, delay_s=delay_s, error=str(error)
            )
        await delivery.nak(max(0.05, delay_s))

    async def _bug(self, delivery: Delivery, topic: str, error: Exception) -> None:
        metrics.BUGS.labels(self._consumer.name, topic).inc()
        logger.exception("message.failed", topic=topic, key=delivery.message.subject, seq=delivery.message.sequence)
        if delivery.attempt >= self._consumer.max_deliver:
            await self.bury(delivery, topic, f"{type(error).__name__}: {error}")
        else:
            await delivery.nak(growing_delay(delivery.attempt))

    async def bury(self, delivery: Delivery, topic: str, reason: str) -> None:
        """Move a delivery to the dead letters, then end it."""
        await self._bus.publish(catalogue.DEAD, self._letter(delivery, topic, reason), topic.replace(".", "_"))
        await delivery.term(reason[:200])
        metrics.DEAD.labels(self._consumer.name, topic).inc()
        logger.warning("message.buried", topic=topic, key=delivery.message.subject, reason=reason[:300])

    def _letter(self, delivery: Delivery, topic: str, reason: str) -> DeadLetter:
        """The id holds the stream sequence: what fails again after a redrive must not be deduplicated away."""
        stored = delivery.message
        return DeadLetter(
            id=f"d:{self._consumer.stream}:{stored.sequence}:{digest((self._consumer.name, stored.stored_at))[:8]}",
            at=self._clock.now(),
            topic=topic,
            subject=stored.subject,
            stream=self._consumer.stream,
            sequence=stored.sequence,
            consumer=self._consumer.name,
            reason=reason,
            attempts=delivery.attempt,
            first_at=stored.stored_at,
            headers=dict(stored.headers),
            payload=stored.body,
        )


@asynccontextmanager
async def keep_alive(delivery: Delivery, ack_wait_s: float) -> AsyncIterator[None]:
    """Tell the broker every third of `ack_wait_s` that the work goes on; else it would be given to another."""
    task = asyncio.ensure_future(_beat(delivery, ack_wait_s / 3))
    try:
        yield
    finally:
        task.cancel()


async def _beat(delivery: Delivery, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        await delivery.in_progress()


async def consume(
    bus: Bus, consumer: Consumer, routes: Mapping[Topic[Any], Handler], *, clock: Clock, concurrency: int = 1
) -> None:
    """Handle the deliveries of a consumer for ever, `concurrency` at a time; 1 keeps their order.

    Cancel it to stop: what is in hand is left to be delivered again.
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

    async with bus.deliveries(consumer) as deliveries, asyncio.TaskGroup() as group:
        async for delivery in deliveries:
            await slots.acquire()
            group.create_task(work(delivery))


def _key(stored: str) -> tuple[str, ...]:
    return tuple(stored.split("."))


def _matches(pattern: tuple[str, ...], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(p in ("*", part) for p, part in zip(pattern, parts, strict=True))
