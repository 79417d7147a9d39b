"""The connection to NATS: reconnects for ever, tells when it is lost and found, and speaks the JetStream API.

nats-py is used as a transport only: core publish, subscribe and request. Its own helpers on top (fetch,
publish_async, its stream and consumer dataclasses) cost several times the work, hang in corner cases, or drop fields.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from nats import errors as nats_errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from chassis import metrics
from chassis.cancellation import cancellable
from chassis.errors import SinyalError, StartError, TransientError

URL_SETTING = "SINYAL_NATS_URL"
SEED_SETTING = "SINYAL_NATS_SEED"

RECONNECT_WAIT_S = 0.5
PING_INTERVAL_S = 10
CONNECT_TIMEOUT_S = 3
API_TIMEOUT_S = 3.0
NO_RESPONDERS = "503"
MAX_REFUSALS = 6
"""After so many refused logins in a row, half a second apart, the connection counts as closed for good."""
PENDING_BYTES = 16 * 1024 * 1024
"""What may wait for the socket: the library's 2 MiB would throttle a batch."""

logger = structlog.get_logger()

Handler = Callable[[Msg], None]


class BusClosedError(SinyalError):
    """The connection was closed for good, by an authentication error for instance: the process has to end."""


class ApiError(SinyalError):
    """The JetStream API refused a request. `code` is of HTTP kind, `number` is the server's own error number."""

    def __init__(self, subject: str, code: int, number: int, description: str) -> None:
        super().__init__(f"{subject}: {description} ({number})")
        self.code = code
        self.number = number
        self.description = description


class Link:
    """One connection of one service."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.client = Client()
        self.closed = asyncio.Event()
        self.connected = asyncio.Event()
        self._observers: list[Callable[[bool], None]] = []
        self._is_starting = True
        self._is_leaving = False
        self._on_close: Callable[[], object] = lambda: None
        self._last_error: Exception | None = None
        self._told = ""
        self._refusals = 0
        self._inboxes = itertools.count(1)
        self._tokens = itertools.count(1)
        self._replies: str | None = None
        self._asked: dict[str, asyncio.Future[Msg]] = {}

    @property
    def is_connected(self) -> bool:
        """Whether the broker can be reached now."""
        return self.client.is_connected

    async def open(self, url: str, seed: str | None, wait_s: float) -> None:
        """Connect.

        Raises:
            StartError: nobody answers within `wait_s`, or the broker refuses us; names the setting.
        """
        options: dict[str, Any] = {"nkeys_seed_str": seed} if seed else {}
        try:
            async with asyncio.timeout(wait_s):
                await self.client.connect(
                    servers=[server.strip() for server in url.split(",")],
                    name=self.name,
                    inbox_prefix=f"_INBOX_{self.name}",
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]  # seconds, fractions work
                    ping_interval=PING_INTERVAL_S,
                    connect_timeout=CONNECT_TIMEOUT_S,
                    pending_size=PENDING_BYTES,
                    error_cb=self._on_error,
                    disconnected_cb=self._on_disconnected,
                    reconnected_cb=self._on_reconnected,
                    closed_cb=self._on_closed,
                    **options,
                )
        except TimeoutError:
            await self._abandon()
            raise StartError(
                f"{URL_SETTING}: no NATS server answers at {url} within {wait_s:g} s ({self._last_error})"
            ) from None
        except StartError:
            await self._abandon()
            raise
        except Exception as e:  # malformed URLs and seeds come as whatever the parser raised
            await self._abandon()
            setting = SEED_SETTING if "nkeys" in type(e).__module__ or "seed" in str(e).lower() else URL_SETTING
            raise StartError(f"{setting}: {type(e).__name__}: {e}") from e
        self._is_starting = False
        self.connected.set()
        metrics.BUS_CONNECTED.set(1)

    async def close(self) -> None:
        """Send what is buffered and hang up."""
        self._is_leaving = True
        if self.client.is_connected:
            await self.sync()
        await self.client.close()
        metrics.BUS_CONNECTED.set(0)

    def on_close(self, call: Callable[[], object]) -> None:
        """Call when the connection is closed for good and we did not ask for it."""
        self._on_close = call

    @contextlib.contextmanager
    def watched(self, observer: Callable[[bool], None]) -> Any:
        """Tell `observer` False when the connection is lost and True when it is back. It must not block."""
        self._observers.append(observer)
        try:
            yield
        finally:
            self._observers.remove(observer)

    def new_inbox(self) -> str:
        """Make a subject for replies that only this service may subscribe to."""
        return f"{self.client.new_inbox()}.{next(self._inboxes)}"

    async def subscribe(self, subject: str, handle: Handler, *, queue: str = "") -> Subscription:
        """Hear a subject; `handle` must not block. What arrives is never dropped here: the caller bounds it."""

        async def call(message: Msg) -> None:
            handle(message)

        return await self.client.subscribe(subject, queue=queue, cb=call, pending_msgs_limit=0, pending_bytes_limit=0)

    async def sync(self) -> None:
        """Wait until the broker has read all that was sent, subscriptions for instance.

        Twice, since the library's first PING overtakes what is still in its buffer (seen: 3 of 200 subscriptions).
        """
        with contextlib.suppress(nats_errors.Error, TimeoutError):
            await cancellable(self.client.flush(timeout=2))
            await cancellable(self.client.flush(timeout=2))

    async def send(
        self, subject: str, body: bytes = b"", *, reply: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Publish on core NATS. While reconnecting it is buffered.

        Raises:
            TransientError: the buffer is full or the connection closed.
        """
        try:
            await self.client.publish(subject, body, reply=reply, headers=dict(headers) if headers else None)
        except (nats_errors.OutboundBufferLimitError, nats_errors.ConnectionClosedError) as e:
            raise TransientError(f"{subject}: {e}") from e
        except nats_errors.ConnectionDrainingError as e:
            raise TransientError(f"{subject}: {e}") from e

    async def request(self, subject: str, body: bytes, timeout_s: float) -> Msg:
        """Ask on core NATS.

        Raises:
            TransientError: nobody there, or no answer in time.
        """
        if not self.is_connected:
            raise TransientError(f"{subject}: the broker cannot be reached")
        if self._replies is None:
            await self._open_replies()
        token = str(next(self._tokens))
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._asked[token] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self.send(subject, body, reply=f"{self._replies}{token}")
                reply = await future
        except TimeoutError:
            raise TransientError(f"{subject}: no answer within {timeout_s:g} s") from None
        finally:
            del self._asked[token]
        if not reply.data and (reply.headers or {}).get("Status") == NO_RESPONDERS:
            raise TransientError(f"{subject}: nobody answers")
        return reply

    async def _open_replies(self) -> None:
        """Hear replies on an inbox of our own.

        The library's `request` waits by `asyncio.wait_for`, which in Python 3.11 swallows a cancellation that comes
        together with the reply: the task that was to end lives on.
        """
        prefix = self.new_inbox() + "."
        self._replies = prefix

        def hear(reply: Msg) -> None:
            future = self._asked.get(reply.subject[len(prefix) :])
            if future is not None and not future.done():
                future.set_result(reply)

        await self.subscribe(prefix + "*", hear)

    async def call(self, subject: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call the JetStream API (`subject` without `$JS.API.`).

        Raises:
            ApiError: refused.
            TransientError: no answer; a missing permission looks the same and is counted in BUS_ERRORS.
        """
        payload = b"" if body is None else json.dumps(body).encode()
        reply = await self.request(f"$JS.API.{subject}", payload, API_TIMEOUT_S)
        answer: dict[str, Any] = json.loads(reply.data)
        error = answer.get("error")
        if error:
            raise ApiError(subject, error.get("code", 0), error.get("err_code", 0), error.get("description", ""))
        return answer

    async def wait_connected(self, timeout_s: float) -> None:
        """Wait until the broker can be reached.

        Raises:
            TransientError: it cannot, for that long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self.connected.wait()
        except TimeoutError:
            raise TransientError("the broker cannot be reached") from None

    async def _abandon(self) -> None:
        self._is_leaving = True
        with contextlib.suppress(Exception):
            await self.client.close()

    async def _on_error(self, error: Exception) -> None:
        self._last_error = error
        self._hang_up_failed_attempt()
        text = str(error)
        kind = _kind(error, text)
        metrics.BUS_ERRORS.labels(kind).inc()
        is_login_refused = "authorization" in text.lower() or "authentication" in text.lower()
        if self._is_starting and is_login_refused:
            raise StartError(f"{SEED_SETTING}: the broker at {URL_SETTING} refuses this login ({text})")
        if is_login_refused:
            await self._count_refusal()
        if self._is_starting:
            return
        if kind != "connection" and (self.is_connected or text != self._told):
            # the loss of a connection is told once, by _on_disconnected; so is what keeps us from coming back
            self._told = text
            logger.warning("bus.failed", reason=kind, error=text)

    async def _count_refusal(self) -> None:
        """Give up on a login that is refused again and again: a new start says so by the name of the setting."""
        self._refusals += 1
        if self._refusals == MAX_REFUSALS:
            await self._on_closed()

    def _hang_up_failed_attempt(self) -> None:
        """Close the socket of an attempt that failed after it was accepted: the library forgets it, open."""
        transport = self.client._transport  # noqa: SLF001  # there is no public way to it
        if transport is not None and not self.client.is_connected:
            transport.close()  # type: ignore[no-untyped-call]

    async def _on_disconnected(self) -> None:
        if self._is_starting or self._is_leaving or not self.connected.is_set():
            return
        self.connected.clear()
        metrics.BUS_CONNECTED.set(0)
        logger.warning("bus.lost", error=str(self._last_error))
        for future in self._asked.values():
            if not future.done():
                future.set_exception(TransientError("the connection was lost before the answer"))
        self._tell(is_connected=False)

    async def _on_reconnected(self) -> None:
        self._told = ""
        self._refusals = 0
        self.connected.set()
        metrics.BUS_CONNECTED.set(1)
        metrics.BUS_RECONNECTS.inc()
        logger.info("bus.found")
        self._tell(is_connected=True)

    async def _on_closed(self) -> None:
        if self._is_leaving or self._is_starting:
            return
        self.connected.clear()
        self.closed.set()
        logger.error("bus.closed", error=str(self._last_error))
        self._on_close()

    def _tell(self, *, is_connected: bool) -> None:
        for observer in list(self._observers):
            observer(is_connected)


def _kind(error: Exception, text: str) -> str:
    if "permissions violation" in text.lower():
        return "permission"
    if isinstance(error, nats_errors.SlowConsumerError):
        return "slow_consumer"
    if isinstance(error, (OSError, nats_errors.UnexpectedEOF, nats_errors.StaleConnectionError, TimeoutError)):
        return "connection"
    return "other"
