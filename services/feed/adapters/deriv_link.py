"""One WebSocket to Deriv: frames in, answers matched to requests by `req_id`, each with a deadline."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from services.feed.adapters.deriv_frames import Frame, MalformedFrameError, NotJsonError, decode, encode
from services.feed.domain.ticks import BadInput
from services.feed.ports import VenueLostError, VenueRefusedError, WrongVenueError

DEADLINE_S = 10.0
SOCKET_PING_S = 4.0
"""A half-open link is noticed within twice this, and told a second later; the library's own default takes 48 s."""

CONNECT_S = 10.0
LARGEST_FRAME = 8 * 1024 * 1024
NEVER_RIGHT = {400, 401, 404, 405}
"""Handshake answers that say that the URL is wrong, not that the venue is ill."""


@asynccontextmanager
async def open_link(url: str, *, deadline_s: float = DEADLINE_S) -> AsyncIterator["DerivLink"]:
    """Connect. Raises VenueLostError, or WrongVenueError where the URL can never work."""
    try:
        socket = await connect(
            url,
            proxy=None,
            compression=None,
            open_timeout=CONNECT_S,
            ping_interval=SOCKET_PING_S,
            ping_timeout=SOCKET_PING_S,
            close_timeout=1,
            max_size=LARGEST_FRAME,
        )
    except InvalidURI as e:
        raise WrongVenueError("venue_url", f"{e.uri} is no WebSocket address: ws:// or wss:// and a host") from e
    except InvalidStatus as e:
        status = e.response.status_code
        if status in NEVER_RIGHT:
            message = f"{url} answers HTTP {status}: the address, its path or the app_id is wrong"
            raise WrongVenueError("venue_url", message) from e
        raise VenueLostError(f"connection refused with HTTP {status}") from e
    except (InvalidHandshake, OSError, EOFError) as e:
        raise VenueLostError(f"cannot connect: {type(e).__name__}: {e}") from e
    try:
        yield DerivLink(socket, deadline_s)
    finally:
        await socket.close()


class DerivLink:
    """An open connection. `frames` must be iterated for any request to be answered."""

    def __init__(self, socket: ClientConnection, deadline_s: float) -> None:
        self._socket = socket
        self._deadline_s = deadline_s
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._lost: VenueLostError | None = None

    async def request(self, call: dict[str, Any]) -> Frame:
        """Ask, and wait for the answer to just this question.

        Raises:
            VenueLostError: the connection is gone, or the deadline has passed.
            VenueRefusedError: the venue answered with an error.
        """
        if self._lost is not None:
            raise self._lost
        req_id = next(self._ids)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[req_id] = answer
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._socket.send(encode({**call, "req_id": req_id}))
                frame = await answer
        except TimeoutError as e:
            raise VenueLostError(f"no answer to {next(iter(call))} within {self._deadline_s:g} s") from e
        except ConnectionClosed as e:
            raise VenueLostError(_words(e)) from e
        finally:
            del self._waiting[req_id]
            if answer.done() and not answer.cancelled():
                answer.exception()  # whoever asked may have left in the meantime: then nobody else looks at it
        if frame.error is not None:
            raise VenueRefusedError(frame.error.code, frame.error.message)
        return frame

    async def frames(self) -> AsyncGenerator[Frame | BadInput, None]:
        """Read until the connection ends: every frame, and for what is none the reason. Raises VenueLostError."""
        lost = VenueLostError("no longer read")
        try:
            async for body in self._socket:
                yield self._read(body)
            lost = VenueLostError("the venue closed the connection")
        except ConnectionClosed as e:
            lost = VenueLostError(_words(e))
        finally:
            self._give_up(lost)
        raise lost

    def _read(self, body: str | bytes) -> Frame | BadInput:
        try:
            frame = decode(body)
        except NotJsonError:
            return BadInput.NOT_JSON
        except MalformedFrameError as e:
            self._fail(e)
            return BadInput.MALFORMED
        self._answer(frame)
        return frame

    def _answer(self, frame: Frame) -> None:
        answer = self._waiting.get(frame.req_id or 0)
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _fail(self, error: MalformedFrameError) -> None:
        answer = self._waiting.get(error.req_id or 0)
        if answer is not None and not answer.done():
            answer.set_exception(VenueRefusedError("undecodable", str(error)))

    def _give_up(self, error: VenueLostError) -> None:
        self._lost = error
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)


def _words(error: ConnectionClosed) -> str:
    return f"connection lost: {error}"
