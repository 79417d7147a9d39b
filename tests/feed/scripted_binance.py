"""A tiny Binance that says what a test wants it to say: REST by a table, streams by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from chassis.clock import MarketClock, SystemClock
from services.feed.adapters.binance_venue import BinanceAddress, BinanceVenue

Rest = Callable[[dict[str, str]], Any]


class ScriptedBinance:
    """`rest[call]` gives the JSON of an answer, or a whole web.Response. Subscriptions are granted unless silent."""

    def __init__(self, rest: dict[str, Rest] | None = None) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.subscribed: list[list[str]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.is_silent = False
        self.url = ""
        self.rest: dict[str, Rest] = {
            "time": lambda _: {"serverTime": 1_767_614_400_000},
            "ping": lambda _: {},
            "exchangeInfo": lambda q: {"symbols": [{"symbol": q["symbol"], "status": "TRADING"}]},
            **(rest or {}),
        }

    def venue(self, *, symbols: dict[str, str] | None = None, **options: Any) -> BinanceVenue:
        """Make the adapter that talks to it."""
        address = BinanceAddress(self.url, self.url.replace("http", "ws"))
        told = {"deadline_s": 20.0, **options}
        return BinanceVenue(address, symbols or {"BTCUSDT": "BTCUSDT"}, MarketClock(SystemClock()), **told)

    async def say(self, *events: Any, socket: int = -1) -> None:
        """Stream events on one connection; text goes as it is."""
        for event in events:
            await self.sockets[socket].send_str(event if isinstance(event, str) else json.dumps(event))

    async def on_rest(self, request: web.Request) -> web.StreamResponse:
        """Answer a REST call."""
        call, query = request.match_info["call"], dict(request.query)
        self.asked.append((call, query))
        answer = self.rest[call](query)
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)

    async def on_stream(self, request: web.Request) -> web.StreamResponse:
        """Grant subscriptions."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            asked = json.loads(message.data)
            self.subscribed.append(asked["params"])
            if not self.is_silent:
                await socket.send_json({"result": None, "id": asked["id"]})
        return socket


@asynccontextmanager
async def scripted_binance(rest: dict[str, Rest] | None = None) -> AsyncIterator[ScriptedBinance]:
    """Run a scripted Binance on a free port."""
    binance = ScriptedBinance(rest)
    app = web.Application()
    app.router.add_get("/api/v3/{call:.+}", binance.on_rest)
    app.router.add_get("/ws", binance.on_stream)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        binance.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield binance
    finally:
        await asyncio.gather(*(socket.close() for socket in binance.sockets))
        await runner.cleanup()


def ticker(number: int, bid: str = "4000.10", ask: str = "4000.40", symbol: str = "BTCUSDT") -> dict[str, Any]:
    """A best bid and ask as the stream sends it: prices as text, no time."""
    return {"u": number, "s": symbol, "b": bid, "B": "1.0", "a": ask, "A": "2.0"}


def kline(open_ms: int, *prices: float, trades: int = 5, width_ms: int = 60_000) -> list[Any]:
    """A row of `klines`: open, high, low, close."""
    return [
        open_ms,
        *(f"{price:.8f}" for price in prices),
        "1.0",
        open_ms + width_ms - 1,
        "4000.0",
        trades,
        "0",
        "0",
        "0",
    ]
