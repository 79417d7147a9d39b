"""Trying until it works: for work inside the process that nobody else would repeat."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
import tenacity

from chassis import metrics
from chassis.bus import Stored
from chassis.errors import TransientError
from contracts.channels import Consumer, Topic
from contracts.messages import Message

P = TypeVar("P", bound=Message)

LONGEST_WAIT_S = 10.0
HOLD_S = 3600.0
"""How long a message is kept in hand while the database is away. The broker then gives it again, and after its
`max_deliver` it is dead: ten hours in all, where the broker's own delays would bury it after three minutes.
"""

logger = structlog.get_logger()


def patient(
    tell: Callable[[], None], *, limit_s: float | None = None, longest_wait_s: float = LONGEST_WAIT_S
) -> tenacity.AsyncRetrying:
    """Try until it works, with growing delay; `tell` is called once per failure that repeats. Behind `limit_s` what it
    fails with is raised.
    """

    def told(state: tenacity.RetryCallState) -> None:
        if state.attempt_number == 1:
            tell()

    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=longest_wait_s),
        stop=tenacity.stop_never if limit_s is None else tenacity.stop_after_delay(limit_s),
        before_sleep=told,
        reraise=True,
    )


def held(
    consumer: Consumer, topic: Topic[P], handle: Callable[[P, Stored], Awaitable[None]]
) -> Callable[[P, Stored], Awaitable[None]]:
    """Keep a message in hand while the database is away, instead of counting that as its failures."""

    async def handle_once(message: P, stored: Stored) -> None:
        try:
            await handle(message, stored)
        except TransientError:
            metrics.RETRIED.labels(consumer.name, topic.name).inc()
            raise

    async def handle_patiently(message: P, stored: Stored) -> None:
        retry = patient(lambda: logger.warning("message.held", key=stored.subject, seq=stored.sequence), limit_s=HOLD_S)
        await retry(handle_once, message, stored)

    return handle_patiently
