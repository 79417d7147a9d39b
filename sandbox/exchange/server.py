"""The exchange simulator itself: one port for every protocol, one task that paces the market, faults on command."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from sandbox.exchange.binance import BinanceVenue
from sandbox.exchange.binance_talk import Life
from sandbox.exchange.day_sheet import Spot
from sandbox.exchange.deriv import DerivVenue
from sandbox.exchange.faults import Faults
from sandbox.exchange.link import QUEUE_FRAMES, Link
from sandbox.exchange.market import Market
from sandbox.exchange.quotes import Tape
from sandbox.exchange.venue import Answer, Conversation, Refusal, Venue

WAKE_S = 0.02
LOOK_AHEAD_S = 0.5
GOING_AWAY, TRY_LATER = 1001, 1013
LARGEST_REQUEST = 65_536
PING_EVERY_S, PONG_WITHIN_S = 20.0, 60.0
"""What Binance documents of itself; Deriv documents nothing, and is served the same."""

LOGGER = logging.getLogger("sandbox.exchange")
QUIET_LOGGER = logging.getLogger("sandbox.exchange.sockets")
QUIET_LOGGER.setLevel(logging.CRITICAL)  # a client that breaks off is the simulator's daily bread


class ExchangeServer:
    """A running venue: `async with ExchangeServer(tape, speed=60) as server: ... server.url ...`.

    `queue_frames` is how many frames may wait for one client before it is cut off.
    """

    queue_frames = QUEUE_FRAMES

    def __init__(  # noqa: PLR0913  # each is a knob of one server
        self,
        tape: Tape,
        *,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        warmup_candles: int = 1000,
        start: str = "first",
        wall: Callable[[], float] = time.monotonic,
        life: Life | None = None,
        is_stepped: bool = False,
    ) -> None:
        """Prepare a venue on `host` and `port` (0: a free one); `life` is that of Binance's connections.

        With `is_stepped` the market stands still but for `step_to`.

        Raises ValueError for a wrong speed, TapeError.
        """
        self.market = Market(
            tape, speed=speed, warmup_candles=warmup_candles, start=start, wall=wall, is_stepped=is_stepped
        )
        self.faults = Faults()
        self.venues: tuple[Venue, ...] = (DerivVenue(), BinanceVenue(life))
        self.ticks_sent = 0
        self.port = port
        self._host = host
        self._talks: dict[Link, Conversation] = {}
        self._held: list[Spot] = []
        self._garbage_number = 0
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """The address to connect to, without a protocol's path."""
        return f"ws://{self._host}:{self.port}"

    def market_now_ms(self) -> int:
        """Tell the market time in epoch milliseconds."""
        return self.market.now_ms()

    def step_to(self, moment_ms: int) -> int:
        """Move a stepped market on and tell what is due; returns how many spots that was. Raises ValueError."""
        self.market.step_to(moment_ms)
        return self._tell_due()

    def set_fault(self, kind: str, *, seconds: float | None = None, count: int | None = None) -> None:
        """Switch a fault on; see `faults.KINDS`. Raises FaultError for one that cannot be."""
        self.faults.put(kind, seconds=seconds, count=count)
        if kind == "close":
            for link in self._talks:
                self._tasks.create_task(link.close(GOING_AWAY, "sandbox: told to close"))
        elif kind == "outage":
            for link in self._talks:
                link.cut()
        elif kind == "half_open":
            for link in self._talks:
                link.freeze()

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self.faults.clear()

    def state(self) -> dict[str, Any]:
        """Tell how the venue stands."""
        now = self.market.now_ms()
        return {
            "market_time": datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds"),
            "market_time_ms": now,
            "instrument": self.market.instrument,
            "open": self.market.is_open(),
            "speed": self.market.speed,
            "live_ms": self.market.live_ms,
            "connections": len(self._talks),
            "ticks_sent": self.ticks_sent,
            "faults": self.faults.active(),
        }

    async def __aenter__(self) -> Self:
        """Open the port, then start the clock. Raises OSError where the port is taken, TapeError."""
        await self.market.prepare()
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(self._serve())
            self._tasks = await stack.enter_async_context(asyncio.TaskGroup())
            self.port = next(iter(server.sockets)).getsockname()[1]
            self.market.start()
            for work in (self._pace(), self._look_ahead()):
                stack.callback(self._tasks.create_task(work).cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the market, close every connection and the port."""
        for link in self._talks:
            link.thaw()
        if kind is asyncio.CancelledError:
            await self._stack.__aexit__(kind, error, trace)
        else:  # the task group would wrap what the caller's own block raised
            await self._stack.aclose()

    def _serve(self) -> AbstractAsyncContextManager[Server]:
        return serve(
            self._converse,
            self._host,
            self.port,
            process_request=self._greet,
            compression=None,
            ping_interval=PING_EVERY_S,
            ping_timeout=PONG_WITHIN_S,
            max_size=LARGEST_REQUEST,
            close_timeout=1.0,
            logger=QUIET_LOGGER,
        )

    async def _greet(self, socket: ServerConnection, request: Request) -> Response | None:
        venue = self._venue(request.path)
        if self.faults.is_on("outage") or self.faults.take("refuse"):
            refusal: Refusal | None = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "sandbox: told to refuse\n")
        elif venue is None:
            refusal = Refusal(HTTPStatus.NOT_FOUND, "no such path\n")
        elif (answer := await venue.answer(request, self.market, self.faults)) is not None:
            return _plain(answer)
        else:
            refusal = venue.greet(request)
        return socket.respond(HTTPStatus(refusal.status), refusal.body) if refusal else None

    def _venue(self, path: str) -> Venue | None:
        return next((venue for venue in self.venues if venue.claims(urlsplit(path).path)), None)

    async def _converse(self, socket: ServerConnection) -> None:
        if self.faults.take("accept_then_close"):
            await socket.close(TRY_LATER, "sandbox: told to close")
            return
        path = socket.request.path if socket.request else ""
        venue = self._venue(path)
        link = Link(socket, self.queue_frames)
        talk = venue.converse(path, self.market, link, self.faults) if venue else None
        if talk is None:
            return
        self._talks[link] = talk
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(link.write())
                await _listen(socket, talk)
                writer.cancel()
        except Exception:
            LOGGER.exception("conversation.failed")
            raise
        finally:
            del self._talks[link]

    async def _pace(self) -> None:
        """Tell what is due, some fifty times a second of wall time, whatever the market's speed."""
        while True:
            await asyncio.sleep(WAKE_S)
            if not self.faults.is_on("half_open"):
                for link in self._talks:
                    link.thaw()
            self._tell_due()
            for talk in self._talks.values():
                talk.beat(self.market.told_ms)
            if self._held and not self.faults.is_on("late"):
                self._release()

    def _tell_due(self) -> int:
        spots = self.market.advance()
        for spot in spots:
            self._tell(spot)
        return len(spots)

    async def _look_ahead(self) -> None:
        while True:
            await self.market.look_ahead()
            await asyncio.sleep(LOOK_AHEAD_S)

    def _tell(self, spot: Spot) -> None:
        if self.faults.is_on("silence"):
            return
        if self.faults.is_on("late"):
            self._held.append(spot)
            return
        if self._held:
            self._release()
        copies = 2 if self._talks and self.faults.take("duplicate") else 1
        for _ in range(copies):
            self._tell_all(spot)
        if self._talks and self.faults.take("garbage"):
            for talk in self._talks.values():
                talk.tell_garbage(self._garbage_number, spot)
            self._garbage_number += 1

    def _release(self) -> None:
        held, self._held = self._held, []
        for spot in held:
            self._tell_all(spot)

    def _tell_all(self, spot: Spot) -> None:
        for talk in self._talks.values():
            self.ticks_sent += talk.tell(spot)


def _plain(answer: Answer) -> Response:
    status = HTTPStatus(answer.status)
    fixed = {"Content-Length": str(len(answer.body)), "Connection": "close"}
    return Response(status.value, status.phrase, Headers({**answer.headers, **fixed}), answer.body)


async def _listen(socket: ServerConnection, talk: Conversation) -> None:
    try:
        async for text in socket:
            await talk.hear(text)
    except ConnectionClosed:
        return
