"""One connection's way out: a bounded queue and one writer, so that a slow client stalls nobody but itself."""

import asyncio
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

QUEUE_FRAMES = 4096


class Farewell(NamedTuple):
    """The last thing said on a connection: a close code and why."""

    code: int
    reason: str


class Link:
    """The outgoing half of a connection. Frames leave in the order they were put in."""

    def __init__(self, socket: ServerConnection, limit: int = QUEUE_FRAMES) -> None:
        """Write to `socket`; more than `limit` waiting frames break the connection."""
        self._socket = socket
        self._waiting: asyncio.Queue[bytes | Farewell] = asyncio.Queue(limit)
        self._flowing = asyncio.Event()
        self._flowing.set()

    def put(self, frame: bytes) -> None:
        """Queue one text frame (UTF-8). A client that is too far behind is cut off."""
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            self.cut()

    async def write(self) -> None:
        """Send what is queued until the connection ends."""
        try:
            while True:
                frame = await self._waiting.get()
                await self._flowing.wait()
                if isinstance(frame, Farewell):
                    await self.close(*frame)
                    return
                await self._socket.send(frame, text=True)
        except ConnectionClosed:
            return

    def end(self, code: int, reason: str) -> None:
        """Close the connection when all that waits has been sent."""
        try:
            self._waiting.put_nowait(Farewell(code, reason))
        except asyncio.QueueFull:
            self.cut()

    def freeze(self) -> None:
        """Stop reading and writing, leaving the connection as it is: not even a ping is answered."""
        self._flowing.clear()
        self._socket.transport.pause_reading()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        if not self._flowing.is_set():
            self._flowing.set()
            self._socket.transport.resume_reading()

    def cut(self) -> None:
        """Break the connection without a closing handshake."""
        self._socket.transport.abort()

    async def close(self, code: int, reason: str) -> None:
        """Close the connection as the protocol asks for."""
        await self._socket.close(code, reason)
