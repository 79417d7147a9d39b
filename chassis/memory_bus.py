"""The bus in memory, for tests: the promises of `chassis.bus`, the streams and consumers of the catalogue.

Delays (nak, ack_wait, publish_later, age limits, dedupe windows) follow the given clock. With a `ManualClock`, a test
calls `clock.advance(seconds)` and goes on awaiting: what is due then happens within five real milliseconds. The
deadline of `ask` is real time, since it guards a test against hanging.

Beyond the port it offers tests `said(topic)`, `waiting(consumer)`, `provide(consumer)`, `cut()` and `mend()`.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from chassis.answering import Crew, Reply, reply_to, unpack
from chassis.bus import Delivery, Endless, Outgoing, Stored, decoded
from chassis.clock import Clock
from chassis.errors import RejectedError, TransientError
from chassis.memory_streams import Alarms, Bell, MemoryConsumer, MemoryStream
from chassis.subjects import matches, transformed
from contracts import catalogue, codec
from contracts.catalogue import stream_transform
from contracts.channels import Ask, Bucket, Consumer, Stream, Topic
from contracts.messages import Message

P = TypeVar("P", bound=Message)
Q = TypeVar("Q")
A = TypeVar("A")

MAX_BODY_BYTES = 1024 * 1024
"""The server's default max_payload."""
LISTENER_LIMIT = 1024
"""How many told messages wait for a slow listener before the oldest is lost."""

logger = structlog.get_logger()


class MemoryDelivery:
    """A delivery of a `MemoryBus`."""

    def __init__(self, consumer: MemoryConsumer, message: Stored, attempt: int) -> None:
        self._consumer = consumer
        self._message = message
        self._attempt = attempt

    @property
    def message(self) -> Stored:
        """What was delivered."""
        return self._message

    @property
    def attempt(self) -> int:
        """1 for the first delivery."""
        return self._attempt

    async def ack(self) -> None:
        """Say that it is done."""
        self._consumer.settle(self._message.sequence)

    async def nak(self, delay_s: float) -> None:
        """Ask for it again after `delay_s` of the bus's clock."""
        self._consumer.put_off(self._message.sequence, delay_s)

    async def in_progress(self) -> None:
        """Ask for another ack_wait."""
        self._consumer.touch(self._message.sequence)

    async def term(self, reason: str) -> None:  # noqa: ARG002  # the reason is for the broker's advisory
        """Say that it will never be done."""
        self._consumer.settle(self._message.sequence)
        self._consumer.advise("MSG_TERMINATED", self._message.sequence, self._attempt)


class MemoryBus:
    """A whole broker in memory. All rooms of a test share one."""

    def __init__(
        self,
        clock: Clock,
        streams: Sequence[Stream] = catalogue.STREAMS,
        consumers: Sequence[Consumer] = catalogue.CONSUMERS,
    ) -> None:
        self._clock = clock
        self._alarms = Alarms(clock)
        self._streams = {stream.name: MemoryStream(stream, clock) for stream in streams}
        self._consumers: dict[str, MemoryConsumer] = {}
        self._listeners: list[tuple[str, deque[bytes], Bell]] = []
        self._answerers: dict[str, list[Callable[[bytes], asyncio.Task[Reply]]]] = {}
        self._turns = itertools.count()
        self._objects: dict[tuple[str, str], tuple[bytes, float]] = {}
        self._schedules: dict[str, str] = {}
        self._said: list[tuple[str, bytes]] = []
        self._is_connected = True
        for consumer in consumers:
            self._consumer(consumer)

    # --- for tests ----------------------------------------------------------------------------------------------------

    def said(self, topic: Topic[P]) -> list[P]:
        """List all that was ever stored or told on a topic, settled or not, in order."""
        bodies = [body for subject, body in self._said if matches(topic.published, subject)]
        return [codec.decode(body, topic.payload) for body in bodies]

    def waiting(self, consumer: Consumer) -> int:
        """Count the messages of a consumer that are not settled, delivered or not."""
        return self._consumer(consumer).count_unsettled()

    def provide(self, consumer: Consumer) -> None:
        """Make a consumer that the catalogue does not name, or change one, as `streams.apply` would."""
        self._consumer(consumer).definition = consumer

    def cut(self) -> None:
        """Lose the broker: publishing and asking fail, deliveries pause."""
        self._is_connected = False

    def mend(self) -> None:
        """Find the broker again; nothing stored was lost."""
        self._is_connected = True
        for stream in self._streams.values():
            stream.bell.ring()

    # --- durable ------------------------------------------------------------------------------------------------------

    async def publish(self, topic: Topic[P], message: P, *tokens: object) -> bool:
        """Store one message."""
        return self._store(Outgoing(topic.subject(*tokens), codec.encode(message), message.id))

    async def publish_batch(self, batch: Sequence[Outgoing]) -> None:
        """Store many; what is stored already counts as stored."""
        for message in batch:
            self._stream_of(message.subject)
        for message in batch:
            self._store(message)

    async def publish_later(self, message: Outgoing, at: datetime) -> None:
        """Store a message that appears on its subject at the wall time `at`."""
        stream = self._stream_of(message.subject)
        if not stream.definition.schedules:
            raise RejectedError(f"stream {stream.definition.name} takes no schedules")
        self._require_connection()
        schedule_id = f"{message.id}@{int(at.timestamp() * 1000)}"
        if stream.is_known(schedule_id):
            return
        stream.know(schedule_id)
        self._schedules[message.id] = schedule_id
        delay_s = (at - self._clock.now()).total_seconds()
        self._alarms.after(max(0.0, delay_s), partial(self._appear, stream, message, schedule_id))

    @asynccontextmanager
    async def deliveries(
        self,
        consumer: Consumer,
        *,
        ahead: int | None = None,  # noqa: ARG002  # nothing is fetched ahead here
    ) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Pull from a durable consumer; what is unsettled when the context ends is due again at once."""
        durable = self._consumer(consumer)
        reader = object()
        durable.join(reader)
        try:
            yield Endless(partial(self._take, durable, reader))
        finally:
            durable.leave(reader)

    @asynccontextmanager
    async def replay(
        self, topic: Topic[P], *, after_sequence: int = 0, tokens: Sequence[object] = ()
    ) -> AsyncIterator[AsyncIterator[tuple[Stored, P]]]:
        """Read a topic in stream order from behind a sequence, then go on with what arrives."""
        stream = self._streams[_stream_name(topic)]
        start = 0 if after_sequence > stream.last_sequence else after_sequence
        pattern = self._stored_subject(topic, tokens) if tokens else topic.stored
        yield Endless(self._read(topic, stream, start, pattern))

    async def latest(self, topic: Topic[P], *tokens: object, count: int = 1) -> list[P]:
        """Read the last `count` messages of one subject, oldest first."""
        self._require_connection()
        kept = self._streams[_stream_name(topic)].all((self._stored_subject(topic, tokens),))
        found = (decoded(topic, stored) for stored in kept[-count:])
        return [message for message in found if message is not None]

    async def kept(self, topic: Topic[P], *, count: int) -> list[tuple[Stored, P]]:
        """Read the last `count` messages that a topic holds now, oldest first."""
        self._require_connection()
        stored = self._streams[_stream_name(topic)].all((topic.stored,))[-count:]
        found = ((one, decoded(topic, one)) for one in stored)
        return [(one, message) for one, message in found if message is not None]

    @asynccontextmanager
    async def follow(self, topic: Topic[P]) -> AsyncIterator[AsyncIterator[P]]:
        """Hear the last message of each subject, then every new one."""
        stream = self._streams[_stream_name(topic)]
        last = {stored.subject: stored for stored in stream.all((topic.stored,))}
        first = deque(sorted(last.values(), key=lambda stored: stored.sequence))
        read_on = self._read(topic, stream, stream.last_sequence, topic.stored)

        async def take() -> P:
            while first:
                message = decoded(topic, first.popleft())
                if message is not None:
                    return message
            return (await read_on())[1]

        yield Endless(take)

    async def read_stored(self, stream: str, sequence: int) -> Stored | None:
        """Read one message of a stream by its sequence."""
        return self._streams[stream].read(sequence)

    async def next_stored(self, topic: Topic[P], *tokens: object | None, after_sequence: int = 0) -> Stored | None:
        """Read the first message behind a sequence whose tokens are these."""
        self._require_connection()
        return self._streams[_stream_name(topic)].after(after_sequence, (topic.stored_like(*tokens),))

    async def remove_stored(self, stream: str, sequence: int) -> None:
        """Delete one message of a stream."""
        self._streams[stream].remove(sequence)

    # --- loss allowed -------------------------------------------------------------------------------------------------

    async def tell(self, topic: Topic[P], message: P, *tokens: object) -> None:
        """Say something to whoever listens now."""
        if self._is_connected:
            self._say(topic.subject(*tokens), codec.encode(message))

    @asynccontextmanager
    async def listen(self, topic: Topic[P]) -> AsyncIterator[AsyncIterator[P]]:
        """Hear what is told; a slow listener loses the oldest."""
        listener = (topic.published, deque[bytes](maxlen=LISTENER_LIMIT), Bell())
        self._listeners.append(listener)
        try:
            yield Endless(self._hear(topic, listener[1], listener[2]))
        finally:
            self._listeners.remove(listener)

    async def ask(self, question: Ask[Q, A], request: Q, *, deadline_s: float | None = None) -> A:
        """Ask a room."""
        self._require_connection()
        copies = self._answerers.get(question.subject)
        if not copies:
            raise TransientError(f"{question.subject}: nobody answers")
        task = copies[next(self._turns) % len(copies)](codec.encode(request))
        limit_s = question.deadline_s if deadline_s is None else deadline_s
        done, _ = await asyncio.wait({task}, timeout=limit_s)
        if not done or task.cancelled():
            raise TransientError(f"{question.subject}: no answer within {limit_s:g} s")
        return unpack(question, task.result())

    @asynccontextmanager
    async def answer(self, question: Ask[Q, A], handler: Callable[[Q], Awaitable[A]]) -> AsyncIterator[None]:
        """Answer a question while the context is open; copies take turns."""
        async with Crew() as crew:

            def start(body: bytes) -> asyncio.Task[Reply]:
                return crew.start(reply_to(question, handler, body))

            copies = self._answerers.setdefault(question.subject, [])
            copies.append(start)
            try:
                yield
            finally:
                copies.remove(start)

    async def put(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Store an object under a key."""
        self._require_connection()
        self._objects[bucket.name, key] = (body, self._clock.monotonic() + bucket.max_age_s)

    async def get(self, bucket: Bucket, key: str) -> bytes | None:
        """Read an object, or None."""
        self._require_connection()
        body, until = self._objects.get((bucket.name, key), (None, 0.0))
        return body if until > self._clock.monotonic() else None

    async def drop(self, bucket: Bucket, key: str) -> None:
        """Delete an object."""
        self._require_connection()
        self._objects.pop((bucket.name, key), None)

    @property
    def is_connected(self) -> bool:
        """Whether the broker can be reached now."""
        return self._is_connected

    # --- inside -------------------------------------------------------------------------------------------------------

    def _require_connection(self) -> None:
        if not self._is_connected:
            raise TransientError("the broker cannot be reached")

    def _stream_of(self, subject: str) -> MemoryStream:
        for stream in self._streams.values():
            if stream.captures(subject):
                return stream
        raise RejectedError(f"no stream takes {subject}")

    def _stored_subject(self, topic: Topic[Any], tokens: Sequence[object]) -> str:
        stream = self._streams[_stream_name(topic)]
        return transformed(topic.subject(*tokens), stream_transform(stream.definition))

    def _store(self, message: Outgoing) -> bool:
        stream = self._stream_of(message.subject)
        self._require_connection()
        if len(message.body) > MAX_BODY_BYTES:
            raise RejectedError(f"{message.subject}: {len(message.body)} bytes are more than {MAX_BODY_BYTES}")
        return self._keep(stream, message)

    def _keep(self, stream: MemoryStream, message: Outgoing) -> bool:
        if stream.append(message) is None:
            return False
        self._say(message.subject, message.body)
        return True

    def _appear(self, stream: MemoryStream, message: Outgoing, schedule_id: str) -> None:
        if self._schedules.get(message.id) == schedule_id:
            del self._schedules[message.id]
            self._keep(stream, replace(message, id=""))

    def _say(self, subject: str, body: bytes) -> None:
        self._said.append((subject, body))
        for pattern, bodies, bell in self._listeners:
            if matches(pattern, subject):
                bodies.append(body)
                bell.ring()

    def _consumer(self, consumer: Consumer) -> MemoryConsumer:
        durable = self._consumers.get(consumer.name)
        if durable is None:
            stream = self._streams[consumer.stream]
            durable = MemoryConsumer(consumer, stream, self._alarms, self._adviser(consumer))
            self._consumers[consumer.name] = durable
        return durable

    def _adviser(self, consumer: Consumer) -> Callable[[str, int, int], None]:
        def advise(kind: str, sequence: int, attempts: int) -> None:
            subject = f"$JS.EVENT.ADVISORY.CONSUMER.{kind}.{consumer.stream}.{consumer.name}"
            facts = {"stream": consumer.stream, "consumer": consumer.name, "stream_seq": sequence}
            body = json.dumps({**facts, "deliveries": attempts}).encode()
            taker = next((stream for stream in self._streams.values() if stream.captures(subject)), None)
            if taker is not None:
                taker.append(Outgoing(subject, body, f"{subject}:{next(self._turns)}"))

        return advise

    async def _take(self, durable: MemoryConsumer, reader: object) -> Delivery:
        while True:
            taken = durable.take(reader) if self._is_connected else None
            if taken is not None:
                return MemoryDelivery(durable, *taken)
            await durable.stream.bell.wait()

    def _read(
        self, topic: Topic[P], stream: MemoryStream, sequence: int, pattern: str
    ) -> Callable[[], Awaitable[tuple[Stored, P]]]:
        async def take() -> tuple[Stored, P]:
            nonlocal sequence
            while True:
                stored = stream.after(sequence, (pattern,)) if self._is_connected else None
                if stored is None:
                    await stream.bell.wait()
                    continue
                sequence = stored.sequence
                message = decoded(topic, stored)
                if message is not None:
                    return stored, message

        return take

    def _hear(self, topic: Topic[P], bodies: deque[bytes], bell: Bell) -> Callable[[], Awaitable[P]]:
        async def take() -> P:
            while True:
                if not bodies:
                    await bell.wait()
                    continue
                message = decoded(topic, Stored(topic.published, bodies.popleft(), {}, 0, self._clock.now()))
                if message is not None:
                    return message

        return take


def _stream_name(topic: Topic[Any]) -> str:
    if topic.stream is None:
        raise RejectedError(f"{topic.name} is not kept: use tell and listen")
    return topic.stream
