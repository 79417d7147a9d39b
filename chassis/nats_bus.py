"""The bus on a real NATS server. What each promise rests on:

* `publish` and `publish_batch`: chassis/publisher.py
* `deliveries`: chassis/pull_consumer.py
* `replay`, `follow`, `latest`: chassis/stream_reader.py
* streams and consumers: made by chassis/streams.py; a service only binds to them
"""

import asyncio
import functools
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from nats import errors as nats_errors
from nats.aio.msg import Msg

from chassis.answering import Crew, Reply, reply_to, unpack
from chassis.bus import Delivery, Endless, Outgoing, Stored, decoded
from chassis.cancellation import background
from chassis.errors import RejectedError, TransientError
from chassis.nats_link import ApiError, BusClosedError, Link
from chassis.nats_objects import Objects
from chassis.publisher import Publisher
from chassis.pull_consumer import PullConsumer
from chassis.stream_reader import READ_ONCE_IDLE_S, StreamReader, read_one
from chassis.subjects import matches, order_key, transformed
from contracts import catalogue, codec
from contracts.catalogue import stream_subjects, stream_transform
from contracts.channels import Ask, Bucket, Consumer, Stream, Topic
from contracts.ids import digest
from contracts.messages import Message

P = TypeVar("P", bound=Message)
Q = TypeVar("Q")
A = TypeVar("A")

ATOMIC_BATCH = 500
"""Half of the server's limit; larger batches gain nothing."""
SHARE = 4
"""Of what may be unsettled one copy fetches a quarter ahead, so that it leaves something to the others."""
LISTENER_LIMIT = 1024
READ_TIMEOUT_S = 5.0
TRACE_HEADER = "Sinyal-Trace"
ERROR_HEADER = "Sinyal-Error"

_CAPTURES = [(pattern, stream) for stream in catalogue.STREAMS for pattern in stream_subjects(stream)]


class NatsBus:
    """The bus of one service. Made by `connect`."""

    def __init__(self, link: Link, publisher: Publisher) -> None:
        self._link = link
        self._publisher = publisher
        self._batch_ids = itertools.count()
        self._objects = Objects(link)

    @property
    def link(self) -> Link:
        """The connection, for `streams.apply`."""
        return self._link

    @property
    def closed(self) -> asyncio.Event:
        """Set when the connection is closed for good: the process has to end."""
        return self._link.closed

    @property
    def is_connected(self) -> bool:
        """Whether the broker can be reached now."""
        return self._link.is_connected

    # --- durable ------------------------------------------------------------------------------------------------------

    async def publish(self, topic: Topic[P], message: P, *tokens: object) -> bool:
        """Store one message."""
        stream_name(topic)
        headers = {TRACE_HEADER: message.trace} if message.trace else {}
        outgoing = Outgoing(topic.subject(*tokens), codec.encode(message), message.id, headers)
        return (await self._publisher.publish(outgoing)).is_new

    async def publish_batch(self, batch: Sequence[Outgoing]) -> None:
        """Store many: atomically where the stream allows it, else one by one, in order within each subject."""
        for stream, messages in _by_stream(batch):
            if not stream.atomic:
                await self._publish_in_rounds(messages)
                continue
            for start in range(0, len(messages), ATOMIC_BATCH):
                part = messages[start : start + ATOMIC_BATCH]
                batch_id = f"{self._link.name}-{time.time_ns():x}-{next(self._batch_ids)}"
                if len(part) == 1 or not await self._publisher.publish_atomic(part, batch_id):
                    await self._publish_in_rounds(part)

    async def publish_later(self, message: Outgoing, at: datetime) -> None:
        """Store a message that appears on its subject at the wall time `at`.

        The dedupe id holds the time: a message that is put off again must not be taken for its own repeat. Another
        time for the same id replaces the earlier one.
        """
        stream = _stream_of(message.subject)
        place = next((subject for subject in stream.extra_subjects if subject.startswith("later.")), None)
        if not stream.schedules or place is None:
            raise RejectedError(f"stream {stream.name} takes no schedules")
        moment = at.astimezone(UTC)
        headers = {
            **message.headers,
            "Nats-Schedule": f"@at {moment:%Y-%m-%dT%H:%M:%S.%fZ}",
            "Nats-Schedule-Target": message.subject,
        }
        identity = f"{message.id}@{int(moment.timestamp() * 1000)}"
        await self._publisher.publish(
            Outgoing(place.replace("*", digest((message.id,))), message.body, identity, headers)
        )

    def deliveries(
        self, consumer: Consumer, *, ahead: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Pull from a durable consumer."""
        if ahead is None:
            ahead = consumer.in_flight if consumer.pinned else max(1, consumer.in_flight // SHARE)
        return PullConsumer(self._link, consumer, ahead).open()

    @asynccontextmanager
    async def replay(
        self, topic: Topic[P], *, after_sequence: int = 0, tokens: Sequence[object] = ()
    ) -> AsyncIterator[AsyncIterator[tuple[Stored, P]]]:
        """Read a topic in stream order from behind a sequence, then go on with what arrives."""
        pattern = stored_subject(topic, tokens) if tokens else topic.stored
        reader = StreamReader(self._link, stream_name(topic), pattern, after=after_sequence)
        async with self._reading(reader):
            yield Endless(_decoding(topic, reader))

    @asynccontextmanager
    async def follow(self, topic: Topic[P]) -> AsyncIterator[AsyncIterator[P]]:
        """Hear the last message of each subject, then every new one."""
        reader = StreamReader(self._link, stream_name(topic), topic.stored, is_last=True)
        take = _decoding(topic, reader)

        async def take_message() -> P:
            return (await take())[1]

        async with self._reading(reader):
            yield Endless(take_message)

    async def latest(self, topic: Topic[P], *tokens: object, count: int = 1) -> list[P]:
        """Read the last `count` messages of one subject, oldest first."""
        subject = stored_subject(topic, tokens)
        if count == 1:
            last = await read_one(self._link, stream_name(topic), {"last_by_subj": subject})
            kept = [] if last is None else [last]
        else:
            kept = await self._read_all(stream_name(topic), subject, count)
        found = (decoded(topic, stored) for stored in kept)
        return [message for message in found if message is not None]

    async def kept(self, topic: Topic[P], *, count: int) -> list[tuple[Stored, P]]:
        """Read the last `count` messages that a topic holds now, oldest first."""
        found = (
            (stored, decoded(topic, stored)) for stored in await self._read_all(stream_name(topic), topic.stored, count)
        )
        return [(stored, message) for stored, message in found if message is not None]

    async def read_stored(self, stream: str, sequence: int) -> Stored | None:
        """Read one message of a stream by its sequence."""
        return await read_one(self._link, stream, {"seq": sequence})

    async def next_stored(self, topic: Topic[P], *tokens: object | None, after_sequence: int = 0) -> Stored | None:
        """Read the first message behind a sequence whose tokens are these."""
        wanted = {"seq": after_sequence + 1, "next_by_subj": topic.stored_like(*tokens)}
        return await read_one(self._link, stream_name(topic), wanted)

    async def remove_stored(self, stream: str, sequence: int) -> None:
        """Delete one message of a stream."""
        try:
            await self._link.call(f"STREAM.MSG.DELETE.{stream}", {"seq": sequence, "no_erase": True})
        except ApiError as e:
            if "no message found" not in e.description:
                raise TransientError(str(e)) from e

    # --- loss allowed -------------------------------------------------------------------------------------------------

    async def tell(self, topic: Topic[P], message: P, *tokens: object) -> None:
        """Say something to whoever listens now. Without a connection it is dropped: later it would be old news."""
        if self._link.is_connected:
            with suppress(TransientError):
                await self._link.send(topic.subject(*tokens), codec.encode(message))

    @asynccontextmanager
    async def listen(self, topic: Topic[P]) -> AsyncIterator[AsyncIterator[P]]:
        """Hear what is told; a slow listener loses the oldest."""
        heard: deque[Msg] = deque(maxlen=LISTENER_LIMIT)
        arrived = asyncio.Event()

        def hear(message: Msg) -> None:
            heard.append(message)
            arrived.set()

        async def take() -> P:
            while True:
                while not heard:
                    arrived.clear()
                    await arrived.wait()
                told = heard.popleft()
                stored = Stored(told.subject, told.data, told.headers or {}, 0, datetime.now(UTC))
                message = decoded(topic, stored)
                if message is not None:
                    return message

        subscription = await self._link.subscribe(topic.published, hear)
        await self._link.sync()
        try:
            yield Endless(take)
        finally:
            with suppress(nats_errors.Error):
                await subscription.unsubscribe()

    async def ask(self, question: Ask[Q, A], request: Q, *, deadline_s: float | None = None) -> A:
        """Ask a room."""
        limit_s = question.deadline_s if deadline_s is None else deadline_s
        reply = await self._link.request(question.subject, codec.encode(request), limit_s)
        return unpack(question, Reply(reply.data, (reply.headers or {}).get(ERROR_HEADER)))

    @asynccontextmanager
    async def answer(self, question: Ask[Q, A], handler: Callable[[Q], Awaitable[A]]) -> AsyncIterator[None]:
        """Answer a question while the context is open; copies share the work."""

        async def respond(asked: Msg) -> None:
            reply = await reply_to(question, handler, asked.data)
            headers = {ERROR_HEADER: reply.error_code} if reply.error_code else None
            with suppress(TransientError):
                await self._link.send(asked.reply, reply.body, headers=headers)

        def take(asked: Msg) -> None:
            crew.start(respond(asked))

        async with Crew() as crew:
            subscription = await self._link.subscribe(question.subject, take, queue=question.room)
            await self._link.sync()
            try:
                yield
            finally:
                with suppress(nats_errors.Error):
                    await subscription.unsubscribe()

    async def put(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Store an object under a key."""
        await self._objects.put(bucket, key, body)

    async def get(self, bucket: Bucket, key: str) -> bytes | None:
        """Read an object, or None."""
        return await self._objects.get(bucket, key)

    async def drop(self, bucket: Bucket, key: str) -> None:
        """Delete an object."""
        await self._objects.drop(bucket, key)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _publish_in_rounds(self, messages: Sequence[Outgoing]) -> None:
        """Publish in parallel what no order binds; a chat's second message, or a subject's, waits for its first."""
        left = [(order_key(message.subject), message) for message in messages]
        while left:
            chosen: dict[str, Outgoing] = {}
            left = [(key, message) for key, message in left if chosen.setdefault(key, message) is not message]
            results = await asyncio.gather(
                *(self._publisher.publish(message) for message in chosen.values()), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    @asynccontextmanager
    async def _reading(self, reader: StreamReader) -> AsyncIterator[None]:
        with self._link.watched(reader.on_connection):
            try:
                async with background(reader.run(), reader.fail):
                    yield
            finally:
                await reader.close()

    async def _read_all(self, stream: str, subject: str, count: int) -> list[Stored]:
        """Read what lies on a subject now and keep the end: the server cannot seek to the nth last."""
        reader = StreamReader(self._link, stream, subject, idle_s=READ_ONCE_IDLE_S)
        kept: deque[Stored] = deque(maxlen=count)
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                if await reader.begin() == 0:
                    return []
                async with self._reading(reader):
                    while True:
                        kept.append(await reader.take())
                        if reader.left == 0:
                            return list(kept)
        except ApiError as e:
            raise TransientError(str(e)) from e
        except TimeoutError:
            raise TransientError(f"{subject}: not read within {READ_TIMEOUT_S:g} s") from None
        finally:
            await reader.close()


@asynccontextmanager
async def connect(url: str, *, name: str, seed: str | None = None, wait_s: float = 5.0) -> AsyncIterator[NatsBus]:
    """Connect a service to the broker. `name` is the room's; it is also the prefix of its inboxes.

    When the broker closes the connection for good (a login that is no longer valid), the body is cancelled and the
    context raises BusClosedError, so that the process ends and is started anew.

    Raises:
        StartError: no broker within `wait_s`, or it refuses us; names the setting.
        BusClosedError: see above.
    """
    link = Link(name)
    await link.open(url, seed, wait_s)
    publisher = Publisher(link)
    task = asyncio.current_task()
    assert task is not None
    link.on_close(task.cancel)
    try:
        await publisher.open()
        with link.watched(publisher.on_connection):
            yield NatsBus(link, publisher)
    except asyncio.CancelledError:
        if link.closed.is_set() and task.uncancel() == 0:
            raise BusClosedError("the broker closed the connection for good") from None
        raise
    finally:
        await link.close()


def stream_name(topic: Topic[Any]) -> str:
    """Tell the stream of a topic.

    Raises:
        RejectedError: it has none.
    """
    if topic.stream is None:
        raise RejectedError(f"{topic.name} is not kept: use tell and listen")
    return topic.stream


def stored_subject(topic: Topic[Any], tokens: Sequence[object]) -> str:
    """Build the subject under which the stream keeps a message."""
    stream = _stream_of(topic.subject(*tokens))
    return transformed(topic.subject(*tokens), stream_transform(stream))


@functools.lru_cache(maxsize=4096)
def _stream_of(subject: str) -> Stream:
    for pattern, stream in _CAPTURES:
        if matches(pattern, subject):
            return stream
    raise RejectedError(f"no stream takes {subject}")


def _by_stream(batch: Iterable[Outgoing]) -> list[tuple[Stream, list[Outgoing]]]:
    found: dict[str, tuple[Stream, list[Outgoing]]] = {}
    for message in batch:
        stream = _stream_of(message.subject)
        found.setdefault(stream.name, (stream, []))[1].append(message)
    return list(found.values())


def _decoding(topic: Topic[P], reader: StreamReader) -> Callable[[], Awaitable[tuple[Stored, P]]]:
    async def take() -> tuple[Stored, P]:
        while True:
            stored = await reader.take()
            message = decoded(topic, stored)
            if message is not None:
                return stored, message

    return take
