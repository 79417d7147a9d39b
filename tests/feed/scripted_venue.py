"""A tiny Deriv that says what a test wants it to say, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

Frame = dict[str, Any] | str | None
Answer = Callable[[dict[str, Any]], Frame | list[Frame]]

NEW_LISTING = {"active_symbols": [{"underlying_symbol": "frxXAUUSD", "pip_size": 0.01}]}


class ScriptedVenue:
    """Answers each call by `answers[call]`; None says nothing. The envelope is added where it is missing."""

    def __init__(self, answers: dict[str, Answer] | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.sockets: list[ServerConnection] = []
        self.url = ""
        self.answers: dict[str, Answer] = {
            "time": lambda _: {"time": 1_767_614_400},
            "ping": lambda _: {"ping": "pong"},
            "active_symbols": lambda _: NEW_LISTING,
            **(answers or {}),
        }

    def calls(self, name: str) -> list[dict[str, Any]]:
        """What was asked by one call."""
        return [request for request in self.asked if name in request]

    async def talk(self, socket: ServerConnection) -> None:
        """Answer until the client leaves."""
        self.sockets.append(socket)
        async for text in socket:
            request = json.loads(text)
            self.asked.append(request)
            name = next(call for call in request if call in self.answers)
            found = self.answers[name](request)
            for frame in found if isinstance(found, list) else [found]:
                await self.say(socket, request, name, frame)

    async def say(self, socket: ServerConnection, request: dict[str, Any], name: str, frame: Frame) -> None:
        """Send one frame; text is sent as it is."""
        if isinstance(frame, str):
            await socket.send(frame)
        elif frame is not None:
            envelope = {"msg_type": name, "req_id": request["req_id"]}
            await socket.send(json.dumps({**envelope, **frame}))


@asynccontextmanager
async def scripted(answers: dict[str, Answer] | None = None) -> AsyncIterator[ScriptedVenue]:
    """Run a scripted venue on a free port."""
    venue = ScriptedVenue(answers)
    async with serve(venue.talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        venue.url = f"ws://127.0.0.1:{port}/"
        yield venue
        for socket in venue.sockets:
            socket.transport.abort()
        await asyncio.sleep(0)


def error(code: str, message: str = "") -> dict[str, Any]:
    """A refusal."""
    return {"error": {"code": code, "message": message}}


def tick(
    epoch: int, bid: float | None = 4000.0, ask: float | None = 4000.3, symbol: str = "frxXAUUSD"
) -> dict[str, Any]:
    """A tick as a stream sends it, without `pip_size` and `echo_req`, which may be missing."""
    sides = {name: value for name, value in (("bid", bid), ("ask", ask)) if value is not None}
    return {"msg_type": "tick", "tick": {"epoch": epoch, "quote": 4000.15, "symbol": symbol, "id": "x", **sides}}
