"""Answers that never arrive whole: what the client sees of a call that met a fault."""

import asyncio

from aiohttp import web

from sandbox.telegram_api.faults import Fault, FaultKind

# How the journal calls what happened to the answer.
ANSWER_NAMES = {
    FaultKind.RESET_BEFORE: "reset",
    FaultKind.RESET_AFTER: "reset",
    FaultKind.TIMEOUT: "withheld",
    FaultKind.TRUNCATED: "truncated",
    FaultKind.HTML_502: "html_502",
    FaultKind.GARBAGE: "garbage",
    FaultKind.WRONG_SHAPE: "wrong_shape",
}
_LOOK_AT_CLIENT_EVERY_S = 1.0
_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n"
)


async def deliver_badly(
    request: web.Request, good: web.Response, fault: Fault, closing: asyncio.Event
) -> web.StreamResponse:
    """Spoil an answer the way the fault says. `good` is what would have been sent."""
    match fault.kind:
        case FaultKind.HTML_502:
            return web.Response(status=502, text=_BAD_GATEWAY, content_type="text/html")
        case FaultKind.GARBAGE:
            return web.Response(body=b'{"ok":true,"result":\x00\xff', content_type="application/json")
        case FaultKind.WRONG_SHAPE:
            return web.json_response({"ok": True, "result": {"surprise": "another shape"}})
        case FaultKind.TRUNCATED:
            return await _send_half(request, good)
        case FaultKind.TIMEOUT:
            await _outlast(request, closing)
    _break(request)
    return good


async def _send_half(request: web.Request, good: web.Response) -> web.StreamResponse:
    """Promise the whole body, send half of it and break the connection."""
    body = good.body if isinstance(good.body, bytes) else b""
    response = web.StreamResponse(status=good.status, headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()  # unlike abort(), this sends what is written first
    return response


async def _outlast(request: web.Request, closing: asyncio.Event) -> None:
    """Say nothing until the client has left or the server stops."""
    while request.transport is not None and not request.transport.is_closing() and not closing.is_set():
        try:
            async with asyncio.timeout(_LOOK_AT_CLIENT_EVERY_S):
                await closing.wait()
        except TimeoutError:
            continue


def _break(request: web.Request) -> None:
    """Reset the connection."""
    if request.transport is not None:
        request.transport.abort()
