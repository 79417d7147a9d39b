"""`/livez`, `/readyz` and `/metrics` of a service.

Alive means that the event loop turns. Ready is a list of named checks, each with its reason, so that a person who
reads a 503 knows what to look at. The endpoints have no authentication: they listen on loopback unless told.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import prometheus_client
from aiohttp import web

from chassis import metrics
from chassis.errors import StartError


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of one readiness check; `facts` are shown whatever the answer."""

    is_ready: bool
    reason: str = ""
    facts: dict[str, Any] | None = None


class Health:
    """The health endpoints of one service, served while the context is open."""

    def __init__(self, service: str, *, host: str, port: int, setting: str) -> None:
        self._service = service
        self._host = host
        self._port = port
        self._setting = setting
        self._checks: dict[str, Callable[[], Check]] = {}
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port that was taken."""
        return self._port

    def add(self, name: str, check: Callable[[], Check]) -> None:
        """Ask `check` at each /readyz. It must not block."""
        self._checks[name] = check

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Ask all checks: whether all are ready, and what each says."""
        answers = {name: check() for name, check in self._checks.items()}
        shown = {
            name: {
                "ready": answer.is_ready,
                **({"reason": answer.reason} if answer.reason else {}),
                **(answer.facts or {}),
            }
            for name, answer in answers.items()
        }
        if not answers:  # its wiring still waits for a broker or a database
            return False, {"start": {"ready": False, "reason": "not started yet"}}
        return all(answer.is_ready for answer in answers.values()), shown

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            StartError: the port is taken or the host is not ours; names the setting.
        """
        app = web.Application()
        app.add_routes(
            [web.get("/livez", self._live), web.get("/readyz", self._ready), web.get("/metrics", self._metrics)]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError as e:
            await self._runner.cleanup()
            busy = (
                "is taken: choose another" if e.errno == errno.EADDRINUSE else f"cannot be listened on ({e.strerror})"
            )
            raise StartError(f"{self._setting}: {self._host}:{self._port} {busy}") from e
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _live(self, _request: web.Request) -> web.Response:
        return web.json_response({"service": self._service, "alive": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        is_ready, checks = self.report()
        body = {"service": self._service, "ready": is_ready, "checks": checks}
        return web.json_response(body, status=200 if is_ready else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})
