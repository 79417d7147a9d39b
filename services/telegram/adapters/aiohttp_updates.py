"""The port UpdateSource by long polling, over plain HTTP.

Not through aiogram: its poller decodes before it confirms, so that one update it cannot read blocks all others for
ever, and it hides 401 and 409. Here updates stay bytes until they are stored.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from chassis.errors import TransientError
from services.telegram.ports import PollConflictError, PollRefusedError

ALLOWED = ("message", "callback_query", "my_chat_member")
MARGIN_S = 15.0
"""How much longer than the poll itself an answer may take: the API's own hold, and the way."""


class _Answer(msgspec.Struct):
    ok: bool
    result: list[msgspec.Raw] = []
    error_code: int = 0
    description: str = ""
    parameters: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(_Answer)


class AiohttpUpdates:
    """Reads updates with getUpdates."""

    def __init__(self, session: aiohttp.ClientSession, token: str, api_url: str, poll_s: int) -> None:
        self._session = session
        self._url = f"{api_url.rstrip('/')}/bot{token}/getUpdates"
        self._poll_s = poll_s

    async def fetch(self, offset: int | None, *, is_patient: bool = True) -> list[bytes]:
        """Wait for updates from `offset` on."""
        asked: dict[str, Any] = {"timeout": self._poll_s if is_patient else 0, "limit": 100, "allowed_updates": ALLOWED}
        if offset is not None:
            asked["offset"] = offset
        return await self._ask(asked)

    async def confirm(self, offset: int) -> None:
        """Confirm all updates before `offset`."""
        await self._ask({"offset": offset, "timeout": 0, "limit": 1, "allowed_updates": ALLOWED})

    async def _ask(self, asked: dict[str, Any]) -> list[bytes]:
        timeout = aiohttp.ClientTimeout(total=asked["timeout"] + MARGIN_S, sock_connect=5)
        try:
            async with self._session.post(self._url, json=asked, timeout=timeout) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise TransientError(f"getUpdates: {type(e).__name__}") from None  # its text may hold the URL: the token
        return _read(body, response.status)


def _read(body: bytes, status: int) -> list[bytes]:
    try:
        answer = _decoder.decode(body)
    except msgspec.DecodeError as e:
        raise TransientError(f"getUpdates: HTTP {status} without a readable answer") from e
    if answer.ok:
        return [bytes(raw) for raw in answer.result]
    said = f"{answer.error_code} {answer.description}"
    if answer.error_code == 409:
        raise PollConflictError(said)
    if answer.error_code in (401, 404, 421):
        raise PollRefusedError(said)
    rest_s = answer.parameters.get("retry_after")
    raise TransientError(f"getUpdates: {said}", delay_s=float(rest_s) if isinstance(rest_s, int | float) else None)


@asynccontextmanager
async def open_updates(token: str, api_url: str, poll_s: int) -> AsyncIterator[AiohttpUpdates]:
    """Open a poller with a connection of its own, so that a long poll holds no send."""
    async with aiohttp.ClientSession(trust_env=False) as session:
        yield AiohttpUpdates(session, token, api_url, poll_s)
