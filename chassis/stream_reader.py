"""Reading a stream in order without settling anything: for replay, for state, for the last messages of a subject.

It stands on an ephemeral consumer, which the server removes when nobody pulls. Whenever the connection or the consumer
is lost, a new one begins behind the last message seen. A stream that lost its messages and began again at 1 is read
from its start: known by a last sequence below ours, or by another message lying where ours was.
"""

import asyncio
import base64
from collections import deque
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from nats.aio.msg import Msg

from chassis.bus import Stored
from chassis.errors import TransientError
from chassis.nats_link import ApiError, Link
from chassis.pull_consumer import REQUEST_S, TROUBLE_PAUSE_S, stored_of
from chassis.pull_inbox import PullInbox, Refusal

BATCH = 500
NO_MESSAGE = 10037
IDLE_S = 30.0
"""After so long without a pull the server removes the consumer. We have no right to delete one: it would hold for the
durable ones of the stream, too."""
READ_ONCE_IDLE_S = 2.0
"""The same for a consumer that reads once: many in a row must not reach the server's limit."""

logger = structlog.get_logger()


class StreamReader:
    """Reads the messages of one filter, in order, for ever. Use `watch` around it and call `run` in the background."""

    def __init__(
        self, link: Link, stream: str, pattern: str, *, after: int = 0, is_last: bool = False, idle_s: float = IDLE_S
    ) -> None:
        self._link = link
        self._stream = stream
        self._pattern = pattern
        self._after = after
        self._seen: Stored | None = None
        self._is_last = is_last
        self._idle_s = idle_s
        self._buffer: deque[tuple[Stored, int]] = deque()
        self._inbox = PullInbox(link, self._receive, self._refused)
        self._path: str | None = None
        self._place = 0
        self._arrived = asyncio.Event()
        self._wake = asyncio.Event()
        self._is_halted = False
        self._failure: BaseException | None = None
        self.left = 0

    def on_connection(self, is_connected: bool) -> None:
        """Begin a new consumer on a new connection."""
        self._path = None
        if is_connected:
            self._wake.set()

    def fail(self, error: BaseException) -> None:
        """Make the reader raise what ended the background work."""
        self._failure = error
        self._arrived.set()

    async def take(self) -> Stored:
        """Wait for the next message."""
        while not self._buffer:
            if self._failure is not None:
                raise self._failure
            self._arrived.clear()
            await self._arrived.wait()
        stored, self.left = self._buffer.popleft()
        if len(self._buffer) + self._inbox.owed <= BATCH // 2:
            self._wake.set()
        return stored

    async def run(self) -> None:
        """Keep a consumer and requests at the broker."""
        while True:
            self._wake.clear()
            pause_s = REQUEST_S
            try:
                await self._link.connected.wait()
                if self._path is None:
                    await self.begin()
                await self._ask()
            except (TransientError, ApiError) as e:
                self._halt(str(e))
                pause_s = TROUBLE_PAUSE_S
                self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def begin(self) -> int:
        """Make a consumer behind the last message seen; returns how many messages wait for it now.

        Raises:
            ApiError: no such stream.
            TransientError: no answer.
        """
        await self._inbox.close()
        self._inbox = PullInbox(self._link, self._receive, self._refused)
        await self._inbox.open()
        await self._look_for_rebirth()
        body = {"stream_name": self._stream, "config": self._config(), "action": "create"}
        answer = await self._link.call(f"CONSUMER.CREATE.{self._stream}", body)
        self._place = 0
        self._path = f"{self._stream}.{answer['name']}"
        self._is_halted = False
        return int(answer["num_pending"])

    async def close(self) -> None:
        """Stop listening."""
        await self._inbox.close()

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "ack_policy": "none",
            "filter_subject": self._pattern,
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": int(self._idle_s * 1e9),
            "deliver_policy": "all",
        }
        if self._after:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self._after + 1}
        elif self._is_last:
            config |= {"deliver_policy": "last_per_subject"}
        return config

    async def _look_for_rebirth(self) -> None:
        """Go back to the start where the stream is not the one that was read."""
        if not self._after:
            return
        info = await self._link.call(f"STREAM.INFO.{self._stream}")
        is_younger = int(info["state"]["last_seq"]) < self._after
        if is_younger or (self._seen is not None and await self._is_another(self._seen)):
            logger.warning("stream.reborn", key=self._stream, seq=self._after)
            self._after = 0
            self._seen = None

    async def _is_another(self, seen: Stored) -> bool:
        """Whether another message lies where `seen` was. One that is gone proves nothing."""
        found = await read_one(self._link, self._stream, {"seq": seen.sequence})
        return found is not None and (found.subject, found.body) != (seen.subject, seen.body)

    async def _ask(self) -> None:
        self._inbox.write_off_overdue()
        missing = BATCH - len(self._buffer) - self._inbox.owed
        if self._path is not None and (missing > BATCH // 2 or not self._inbox.owed):
            await self._inbox.request(self._path, missing, REQUEST_S, {})

    def _receive(self, message: Msg) -> None:
        stored, _, place, left = stored_of(message)
        if place != self._place + 1:  # something on the way was lost: read it again
            self._path = None
            self._wake.set()
            return
        self._place = place
        self._after = stored.sequence
        self._seen = stored
        self._buffer.append((stored, left))
        self._arrived.set()

    def _refused(self, refusal: Refusal) -> None:
        if refusal.status != "408":
            self._halt(str(refusal))
            self._path = None
        self._wake.set()

    def _halt(self, reason: str) -> None:
        if not self._is_halted:
            logger.warning("reader.halted", key=self._stream, error=reason)
        self._is_halted = True


async def read_one(link: Link, stream: str, wanted: dict[str, Any]) -> Stored | None:
    """Read one message, or None: `wanted` is {"seq": …}, {"last_by_subj": …} or {"seq": …, "next_by_subj": …}.

    Raises:
        TransientError: no such stream, or no answer.
    """
    try:
        found = (await link.call(f"STREAM.MSG.GET.{stream}", wanted))["message"]
    except ApiError as e:
        if e.number == NO_MESSAGE:
            return None
        raise TransientError(str(e)) from e
    return Stored(
        found["subject"],
        base64.b64decode(found.get("data", "")),
        _headers(base64.b64decode(found.get("hdrs", ""))),
        int(found["seq"]),
        moment_of(found["time"]),
    )


def _headers(raw: bytes) -> dict[str, str]:
    lines = (line.partition(b":") for line in raw.split(b"\r\n")[1:])
    return {key.strip().decode(): value.strip().decode("utf-8", "replace") for key, colon, value in lines if colon}


def moment_of(text: str) -> datetime:
    """Read the server's RFC 3339 time; of its up to nine digits of a second we keep six."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")
