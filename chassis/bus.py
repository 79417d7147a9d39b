"""The bus as a port. `NatsBus` and `MemoryBus` keep the same promises; tests/chassis/bus_contract.py holds them to it.

Durable: `publish`, `publish_batch`, `publish_later`, `deliveries`, `replay`, `latest`, `follow`, objects.
Loss allowed: `tell`, `listen`, `ask`, `answer`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import structlog

from chassis import metrics
from contracts import codec
from contracts.channels import Ask, Bucket, Consumer, Topic
from contracts.messages import Message

P = TypeVar("P", bound=Message)
Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready for the wire. `id` is its identity for the broker's dedupe."""

    subject: str
    body: bytes
    id: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as a stream keeps it, without any settling: `sequence` orders it in its stream."""

    subject: str
    body: bytes
    headers: Mapping[str, str]
    sequence: int
    stored_at: datetime


class Delivery(Protocol):
    """A message handed to one consumer, which must settle it once."""

    @property
    def message(self) -> Stored:
        """What was delivered."""
        ...

    @property
    def attempt(self) -> int:
        """1 for the first delivery."""
        ...

    async def ack(self) -> None:
        """Say that it is done; it never comes again."""
        ...

    async def nak(self, delay_s: float) -> None:
        """Ask for it again after `delay_s` (more than 0: an immediate nak is a hot loop)."""
        ...

    async def in_progress(self) -> None:
        """Ask for another ack_wait."""
        ...

    async def term(self, reason: str) -> None:
        """Say that it will never be done."""
        ...


class Bus(Protocol):
    """What a room may ask of the broker."""

    async def publish(self, topic: Topic[P], message: P, *tokens: object) -> bool:
        """Store one message; its `id` is the broker's dedupe id.

        Returns False where the broker had it already, or where a coalescing subject holds one.

        Raises:
            TransientError: no acknowledgement in time, after retries with the same id.
            RejectedError: the broker refuses it for good (too large, no stream for the subject).
        """
        ...

    async def publish_batch(self, batch: Sequence[Outgoing]) -> None:
        """Store many, all or none per call where the stream allows atomic batches; one by one otherwise. Either way
        those with one order key (`chassis.subjects.order_key`) are stored in their order.

        An id that is stored already counts as stored. Raises TransientError; a repeat is harmless.
        """
        ...

    async def publish_later(self, message: Outgoing, at: datetime) -> None:
        """Store a message that appears on its subject at the wall time `at` (streams with `schedules`)."""
        ...

    def deliveries(
        self, consumer: Consumer, *, ahead: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Pull from a durable consumer, for ever, across reconnects.

        At most `consumer.in_flight` deliveries are unsettled. A pinned consumer delivers to one owner at a time.
        `ahead` is how many are fetched before they are asked for (None: what suits the consumer); 0 where copies
        compete for slow work, so that none hoards what another could begin. What is unsettled when the context ends
        comes again soon.
        """
        ...

    def replay(
        self, topic: Topic[P], *, after_sequence: int = 0, tokens: Sequence[object] = ()
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[Stored, P]]]:
        """Read a topic in stream order from behind a sequence, then go on with what arrives, for ever, unsettled.

        Starts from the first message kept when the stream is younger than `after_sequence`. Undecodable messages are
        counted, logged and left out.
        """
        ...

    async def latest(self, topic: Topic[P], *tokens: object, count: int = 1) -> list[P]:
        """Read the last `count` messages of one subject, oldest first; fewer where there are fewer."""
        ...

    async def kept(self, topic: Topic[P], *, count: int) -> list[tuple[Stored, P]]:
        """Read the last `count` messages that a topic holds now on all its subjects, oldest first: for operator tools.

        Undecodable messages are counted, logged and left out. Raises TransientError.
        """
        ...

    def follow(self, topic: Topic[P]) -> AbstractAsyncContextManager[AsyncIterator[P]]:
        """Hear the last message of each subject, then every new one, unsettled: for state, not for work."""
        ...

    async def read_stored(self, stream: str, sequence: int) -> Stored | None:
        """Read one message of a stream by its sequence, or None: for the dead-letter collector and operator tools."""
        ...

    async def next_stored(self, topic: Topic[P], *tokens: object | None, after_sequence: int = 0) -> Stored | None:
        """Read the first message behind a sequence whose tokens are these (None fits any), or None: to look at what
        a consumer has not been given yet. Nothing is settled by it.
        """
        ...

    async def remove_stored(self, stream: str, sequence: int) -> None:
        """Delete one message of a stream. Harmless where it is gone."""
        ...

    async def tell(self, topic: Topic[P], message: P, *tokens: object) -> None:
        """Say something to whoever listens now; nothing is kept."""
        ...

    def listen(self, topic: Topic[P]) -> AbstractAsyncContextManager[AsyncIterator[P]]:
        """Hear what is told. A slow listener loses the oldest."""
        ...

    async def ask(self, question: Ask[Q, A], request: Q, *, deadline_s: float | None = None) -> A:
        """Ask a room.

        Raises:
            AskFailedError: the room answered with a reason (`code`).
            TransientError: nobody answered in time.
        """
        ...

    def answer(self, question: Ask[Q, A], handler: Callable[[Q], Awaitable[A]]) -> AbstractAsyncContextManager[None]:
        """Answer a question while the context is open; copies share the work. AskFailedError becomes the reply."""
        ...

    async def put(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Store an object under a key; the bucket's age limit removes it."""
        ...

    async def get(self, bucket: Bucket, key: str) -> bytes | None:
        """Read an object, or None."""
        ...

    async def drop(self, bucket: Bucket, key: str) -> None:
        """Delete an object before its age does. Harmless where there is none."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the broker can be reached now."""
        ...


def decoded(topic: Topic[P], stored: Stored) -> P | None:
    """Decode for a reader that settles nothing: None for malformed bytes, which are counted and logged."""
    try:
        return codec.decode(stored.body, topic.payload)
    except codec.MalformedError as e:
        metrics.MALFORMED.labels(topic.name).inc()
        logger.warning("message.malformed", topic=topic.name, key=stored.subject, seq=stored.sequence, error=str(e))
        return None


class Endless(Generic[T]):
    """An iterator without end over a coroutine function.

    Unlike a generator it survives a cancelled `anext`, so that a reader may wait with a time limit and go on.
    """

    def __init__(self, take: Callable[[], Awaitable[T]]) -> None:
        self._take = take

    def __aiter__(self) -> AsyncIterator[T]:
        """Iterate."""
        return self

    async def __anext__(self) -> T:
        """Wait for the next one."""
        return await self._take()
