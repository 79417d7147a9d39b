"""The webhook's endpoint: who does not know the secret is refused unread, who does is answered once it is stored.

It believes no header but the secret: not who a proxy says has called, and not how long the body claims to be.
"""

import asyncio
import errno
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from chassis import metrics
from chassis.errors import StartError, TransientError

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # the header's name, no secret
MOST_BYTES = 256 * 1024
"""Of one update: the longest text with all its markup has a tenth of this."""
READ_WITHIN_S = 10.0
"""How long a caller may take to hand a body over, so that slow ones hold no connection."""

logger = structlog.get_logger()

Take = Callable[[bytes], Awaitable[str]]
"""Stores an update and says in a word what became of it. Raises TransientError where it is not stored."""


class Endpoint:
    """Answers pushes: 200 stored or never to be stored, 401 forged, 408 or 413 unread, 503 come again."""

    def __init__(self, secret: str, take: Take) -> None:
        self._secret = secret.encode()
        self._take = take

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one push."""
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._secret):
            return _answer(401, "forged")
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            logger.warning("update.too_large", count=MOST_BYTES)
            return _answer(413, "too_large")
        except TimeoutError:
            return _answer(408, "slow")
        try:
            return _answer(200, await self._take(raw))
        except TransientError as e:
            logger.warning("update.unstored", error=str(e))
            return _answer(503, "unstored")


@asynccontextmanager
async def open_endpoint(host: str, port: int, path: str, endpoint: Endpoint, *, setting: str) -> AsyncIterator[int]:
    """Listen while the context is open; gives the port.

    Raises:
        StartError: the port is taken or the host is not ours; names the setting.
    """
    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_post(path, endpoint.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    except OSError as e:
        if e.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise
        raise StartError(f"{setting}: {host}:{port} cannot be listened on ({e.strerror})") from e
    finally:
        await runner.cleanup()


def _answer(status: int, outcome: str) -> web.Response:
    metrics.WEBHOOK_PUSHES.labels(outcome).inc()
    return web.Response(status=status)
