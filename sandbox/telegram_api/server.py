"""The server: everything wired together behind one address."""

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.telegram_api.bot_endpoint import TOKEN, BotEndpoint
from sandbox.telegram_api.calls import LARGEST_BODY_BYTES
from sandbox.telegram_api.control import Control
from sandbox.telegram_api.errors import ApiError, flood
from sandbox.telegram_api.journal import Journal
from sandbox.telegram_api.page_assets import page_routes
from sandbox.telegram_api.settings import ServerSettings
from sandbox.telegram_api.world import World

GRACE_S = 2.0
RESTART_AFTER_S = 5


class ListenError(Exception):
    """The address cannot be listened on: it is in use, or not this machine's."""


class TelegramApiServer:
    """A Bot API server for one bot: `async with TelegramApiServer(token) as server: ...`.

    `port` 0 takes a free one. Raises ValueError for a token of the wrong form, ListenError for a busy port.
    """

    def __init__(
        self, token: str, host: str = "127.0.0.1", port: int = 0, *, settings: ServerSettings | None = None
    ) -> None:
        if not TOKEN.fullmatch(token):
            raise ValueError("a bot token looks like 123456789:letters-digits-dashes")
        self.world = World(token, settings or ServerSettings())
        self._host = host
        self._port = port
        self._closing = asyncio.Event()
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """Return the address, without a slash at the end; known from the start of the block on."""
        return f"http://{self._host}:{self._port}"

    @property
    def journal(self) -> Journal:
        """Return the journal of all calls."""
        return self.world.journal

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=GRACE_S)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, self._host, self._port, reuse_address=True)
            try:
                await site.start()
            except (OSError, OverflowError) as error:
                raise ListenError(str(error)) from error
            self._port = runner.addresses[0][1]
            stack.push_async_callback(self._stop_waiting)
            stack.push_async_callback(_stop, self._start_delivery())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _application(self) -> web.Application:
        """Return the application with every route."""
        # The reader of multipart bodies counts for itself; aiohttp's own limit covers forms and JSON.
        application = web.Application(client_max_size=LARGEST_BODY_BYTES)
        endpoint = BotEndpoint(self.world, self._closing)
        application.add_routes(page_routes())
        application.add_routes(Control(self.world).routes())
        application.router.add_route("*", "/bot{token:[^/]+}/{method}", endpoint.call)
        application.router.add_get("/file/bot{token:[^/]+}/{path:.+}", endpoint.download)
        application.router.add_route("*", "/{rest:.*}", _not_found)
        return application

    def _start_delivery(self) -> asyncio.Task[None]:
        """Start the webhook's delivery. A task of its own, kept and awaited in `_stop`: a task group cannot span
        `__aenter__` and `__aexit__` without turning every error of the block into an exception group.
        """
        return asyncio.get_running_loop().create_task(self.world.webhook.run(), name="webhook delivery")

    async def _stop_waiting(self) -> None:
        """End what waits for something to happen: polls as the real server does at a restart, streams, dead calls."""
        self._closing.set()
        self.world.updates.terminate_poll(flood(RESTART_AFTER_S))
        self.world.events.close()


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _not_found(request: web.Request) -> web.Response:  # noqa: ARG001 - aiohttp's handler
    """Answer a path that is none of ours."""
    return web.json_response(ApiError(404, "Not Found").body(), status=404)
