"""The way to command faults and to look at the market from outside: a small HTTP server beside the venue.

POST /sandbox/faults {"kind", "seconds"?, "count"?} · DELETE /sandbox/faults · GET /sandbox/faults · GET /sandbox/state
POST /sandbox/step {"to_ms"}: move a stepped market on; answers when everything due has been told, with the state.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from sandbox.exchange.faults import KINDS, FaultError
from sandbox.exchange.server import ExchangeServer


class FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST: a kind from `faults.KINDS`, and how long (wall seconds) or how often."""

    kind: str
    seconds: float | None = None
    count: int | None = None


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST: the market time to move to, epoch milliseconds."""

    to_ms: int


@asynccontextmanager
async def control(server: ExchangeServer, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve the control door of a running venue; gives its URL. Raises OSError where the port is taken."""
    runner = web.AppRunner(_app(server), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _app(server: ExchangeServer) -> web.Application:
    async def state(_: web.Request) -> web.Response:
        return web.json_response(server.state())

    async def list_kinds(_: web.Request) -> web.Response:
        return web.json_response({"kinds": KINDS, "active": server.faults.active()})

    async def put(request: web.Request) -> web.Response:
        try:
            order = msgspec.json.decode(await request.read(), type=FaultOrder)
            server.set_fault(order.kind, seconds=order.seconds, count=order.count)
        except (msgspec.DecodeError, FaultError) as error:
            return _refused(str(error))
        return web.json_response(server.state())

    async def clear(_: web.Request) -> web.Response:
        server.clear_faults()
        return web.json_response(server.state())

    async def step(request: web.Request) -> web.Response:
        try:
            told = server.step_to(msgspec.json.decode(await request.read(), type=Step).to_ms)
        except (msgspec.DecodeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({**server.state(), "told": told})

    app = web.Application(client_max_size=65_536)
    app.router.add_get("/sandbox/state", state)
    app.router.add_get("/sandbox/faults", list_kinds)
    app.router.add_post("/sandbox/faults", put)
    app.router.add_post("/sandbox/step", step)
    app.router.add_delete("/sandbox/faults", clear)
    return app


def _refused(reason: str) -> web.Response:
    body: dict[str, Any] = {"error": reason, "kinds": list(KINDS)}
    return web.json_response(body, status=400)
