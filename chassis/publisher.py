"""Publishing into streams: a bounded window, a time limit per attempt, and repeats with the same id.

The broker drops a repeat by its `Nats-Msg-Id`, so an attempt whose acknowledgement was lost is simply made again.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from nats import errors as nats_errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from chassis.bus import Outgoing
from chassis.errors import RejectedError, TransientError
from chassis.nats_link import Link
from chassis.subjects import matches
from contracts import catalogue

WINDOW = 1000
"""Publishes in flight; more gain nothing (measured)."""
ATTEMPT_S = 2.0
GIVE_UP_S = 12.0
"""Longer than a cluster takes to choose a new leader (measured 4 to 8 s)."""
SWEEP_S = 0.25

PER_SUBJECT_FULL = "maximum messages per subject exceeded"
STORE_FAILED = 10077
UNAVAILABLE = 503

ID_HEADER = "Nats-Msg-Id"


class _Refusal(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class Ack(msgspec.Struct):
    """What the broker answers: where the message lies, or why it does not."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _Refusal | None = None

    @property
    def is_new(self) -> bool:
        """False where the id was known already or the subject coalesced."""
        return self.error is None and not self.duplicate


class _LostError(Exception):
    """This attempt has no answer; the message may be stored or not."""


_read_ack = msgspec.json.Decoder(Ack)


class Publisher:
    """The window of one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._slots = asyncio.Semaphore(WINDOW)
        self._prefix = link.new_inbox() + "."
        self._tokens = itertools.count()
        self._waiting: dict[str, tuple[asyncio.Future[Ack], float]] = {}
        self._subscription: Subscription | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Listen for acknowledgements."""
        self._subscription = await self._link.subscribe(self._prefix + "*", self._on_reply)

    def on_connection(self, is_connected: bool) -> None:
        """End all attempts in flight when the connection is lost: their answers will never come."""
        if not is_connected:
            waiting, self._waiting = self._waiting, {}
            for future, _ in waiting.values():
                _fail(future, "the connection was lost")

    async def publish(self, message: Outgoing) -> Ack:
        """Store one message.

        Raises:
            TransientError: no acknowledgement after repeats, or the broker has no room now.
            RejectedError: the broker refuses it for good.
        """
        headers = {**message.headers, ID_HEADER: message.id}
        ack = await self._repeat(message.subject, lambda: self._attempt(message.subject, message.body, headers))
        return _judged(message.subject, ack)

    async def publish_atomic(self, messages: Sequence[Outgoing], batch_id: str) -> bool:
        """Store up to 1,000 messages of one stream, all or none.

        Returns False where the broker refuses the batch as such, because it holds an id that is stored already for
        instance: then publish them one by one. Raises as `publish` does.
        """
        attempts = itertools.count()
        subject = messages[-1].subject
        ack = await self._repeat(subject, lambda: self._attempt_atomic(messages, f"{batch_id}-{next(attempts)}"))
        if ack.error is None:
            return True
        if ack.error.code in (500, UNAVAILABLE):
            raise TransientError(f"{subject}: {ack.error.description}")
        return False

    async def _repeat(self, subject: str, attempt: Callable[[], Awaitable[Ack]]) -> Ack:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GIVE_UP_S
        pause_s = 0.1
        while True:
            if not self._link.connected.is_set():
                await self._link.wait_connected(max(0.0, deadline - loop.time()))
            try:
                ack = await attempt()
            except _LostError as e:
                reason = str(e)
            else:
                if ack.error is None or ack.error.code != UNAVAILABLE or PER_SUBJECT_FULL in ack.error.description:
                    return ack
                reason = ack.error.description
            if loop.time() + pause_s >= deadline:
                raise _given_up(subject, reason)
            await asyncio.sleep(pause_s)
            pause_s = min(1.0, pause_s * 2)

    async def _attempt(self, subject: str, body: bytes, headers: Mapping[str, str]) -> Ack:
        async with self._slots:
            token, future = self._expect()
            try:
                await self._send(subject, body, self._prefix + token, headers)
                return await future
            finally:
                self._waiting.pop(token, None)

    async def _attempt_atomic(self, messages: Sequence[Outgoing], batch_id: str) -> Ack:
        async with self._slots:
            token, future = self._expect()
            try:
                for number, message in enumerate(messages, 1):
                    is_last = number == len(messages)
                    headers = {**message.headers, ID_HEADER: message.id, **_batch_headers(batch_id, number, is_last)}
                    await self._send(message.subject, message.body, self._prefix + token if is_last else "", headers)
                return await future
            finally:
                self._waiting.pop(token, None)

    async def _send(self, subject: str, body: bytes, reply: str, headers: Mapping[str, str]) -> None:
        try:
            await self._link.send(subject, body, reply=reply, headers=headers)
        except nats_errors.MaxPayloadError as e:
            raise RejectedError(f"{subject}: {len(body)} bytes are more than the broker takes") from e
        except (nats_errors.BadSubjectError, nats_errors.BadHeaderError) as e:
            raise RejectedError(f"{subject}: {e}") from e
        except TransientError as e:
            raise _LostError(str(e)) from e

    def _expect(self) -> tuple[str, asyncio.Future[Ack]]:
        loop = asyncio.get_running_loop()
        token, future = str(next(self._tokens)), loop.create_future()
        self._waiting[token] = (future, loop.time() + ATTEMPT_S)
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_S, self._sweep)
        return token, future

    def _sweep(self) -> None:
        """End the attempts whose time is up: one timer for all, since they end in the order they began."""
        loop = asyncio.get_running_loop()
        self._sweeper = None
        while self._waiting:
            token, (future, deadline) = next(iter(self._waiting.items()))
            if deadline > loop.time():
                self._sweeper = loop.call_later(SWEEP_S, self._sweep)
                return
            del self._waiting[token]
            _fail(future, f"no acknowledgement within {ATTEMPT_S:g} s")

    def _on_reply(self, reply: Msg) -> None:
        future, _ = self._waiting.pop(reply.subject[len(self._prefix) :], (None, 0.0))
        if future is None or future.done():
            return
        if not reply.data:
            _fail(future, "no stream answers")
            return
        try:
            future.set_result(_read_ack.decode(reply.data))
        except msgspec.MsgspecError as e:
            _fail(future, f"an acknowledgement that cannot be read: {e}")


def _batch_headers(batch_id: str, number: int, is_last: bool) -> dict[str, str]:
    headers = {"Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}
    return {**headers, "Nats-Batch-Commit": "1"} if is_last else headers


def _fail(future: asyncio.Future[Ack], reason: str) -> None:
    if not future.done():
        future.set_exception(_LostError(reason))


def _judged(subject: str, ack: Ack) -> Ack:
    error = ack.error
    if error is None or PER_SUBJECT_FULL in error.description:
        return ack
    if error.code in (500, UNAVAILABLE) or error.err_code == STORE_FAILED:  # no room in the stream: somebody must look
        raise TransientError(f"{subject}: {error.description}")
    raise RejectedError(f"{subject}: {error.description} ({error.err_code})")


def _given_up(subject: str, reason: str) -> TransientError | RejectedError:
    """No answer can also mean that no stream takes the subject: the catalogue knows."""
    patterns = (pattern for stream in catalogue.STREAMS for pattern in catalogue.stream_subjects(stream))
    if any(matches(pattern, subject) for pattern in patterns):
        return TransientError(f"{subject}: {reason}")
    return RejectedError(f"{subject}: no stream takes it")
