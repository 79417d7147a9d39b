"""One stream connection to Binance: messages in, subscriptions out, no faster than the venue allows."""

import asyncio
import time

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
    WSServerHandshakeError,
)

from services.feed.adapters.binance_frames import encode
from services.feed.ports import VenueLostError, WrongVenueError

HEARTBEAT_S = 5.0
"""A half-open link is noticed within one and a half times this. Pings of the venue are answered by the library."""

CONNECT_S = 10.0
LARGEST_FRAME = 1024 * 1024
NEVER_RIGHT = {400, 401, 404, 405, 451}
"""Handshake answers that say that the URL is wrong, not that the venue is ill."""

SEND_EVERY_S = 0.25
"""The venue takes 5 messages a second from one connection, pongs included, and closes it over that."""


async def open_stream(http: ClientSession, url: str) -> "BinanceStream":
    """Connect to `<url>/ws`. Raises VenueLostError, or WrongVenueError where the URL can never work."""
    try:
        async with asyncio.timeout(CONNECT_S):
            socket = await http.ws_connect(
                f"{url.rstrip('/')}/ws",
                heartbeat=HEARTBEAT_S,
                autoping=True,
                compress=0,
                max_msg_size=LARGEST_FRAME,
                timeout=ClientWSTimeout(ws_close=1.0),
            )
    except WSServerHandshakeError as e:
        if e.status in NEVER_RIGHT:
            message = f"{url} answers HTTP {e.status} to /ws: the address is wrong"
            raise WrongVenueError("binance_stream_url", message) from e
        raise VenueLostError(f"connection refused with HTTP {e.status}") from e
    except TimeoutError as e:
        raise VenueLostError(f"cannot connect within {CONNECT_S:g} s") from e
    except (ClientError, OSError) as e:
        raise VenueLostError(f"cannot connect: {type(e).__name__}: {e}") from e
    return BinanceStream(socket)


class BinanceStream:
    """An open connection. Only one may receive at a time."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._turn = asyncio.Lock()
        self._may_send_at = 0.0

    async def receive(self, within_s: float) -> str | bytes | None:
        """Wait for the next message; None where none came in time. Raises VenueLostError at the connection's end."""
        try:
            message = await self._socket.receive(timeout=within_s)
        except TimeoutError:
            return None
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            body: str | bytes = message.data
            return body
        error = self._socket.exception()
        words = (
            f"{type(error).__name__}: {error}" if error else f"code {self._socket.close_code}, {message.extra or ''}"
        )
        raise VenueLostError(f"connection lost: {words}")

    async def subscribe(self, streams: list[str], number: int) -> None:
        """Ask for streams; the answer comes with the messages and carries the same number."""
        async with self._turn:
            await asyncio.sleep(max(0.0, self._may_send_at - time.monotonic()))
            self._may_send_at = time.monotonic() + SEND_EVERY_S
            try:
                await self._socket.send_str(encode({"method": "SUBSCRIBE", "params": streams, "id": number}))
            except (ClientError, OSError) as e:
                raise VenueLostError(f"connection lost: {e}") from e

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()
