"""The ports UpdateSource and Webhooks over plain HTTP.

Not through aiogram: its poller decodes before it confirms, so that one update it cannot read blocks all others for
ever, and it hides 401 and 409. Here updates stay bytes until they are stored.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec

from chassis.errors import TransientError
from services.telegram.ports import PollConflictError, PollRefusedError, WebhookRefusedError, WebhookState

ALLOWED = ("message", "callback_query", "my_chat_member")
MARGIN_S = 15.0
"""How much longer than the poll itself an answer may take: the API's own hold, and the way."""
SET_WITHIN_S = 8.0
"""How long setting a webhook may take: Telegram tries to connect to it for some seconds. Who waits has no updates."""


class _Answer(msgspec.Struct):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: int = 0
    description: str = ""
    parameters: dict[str, Any] = {}


class _Info(msgspec.Struct):
    url: str = ""
    pending_update_count: int = 0
    last_error_date: int | None = None
    last_error_message: str = ""


_decoder = msgspec.json.Decoder(_Answer)
_updates = msgspec.json.Decoder(list[msgspec.Raw])
_info = msgspec.json.Decoder(_Info)


class AiohttpUpdates:
    """Reads updates with getUpdates, and has them pushed with setWebhook."""

    def __init__(self, session: aiohttp.ClientSession, token: str, api_url: str, poll_s: int) -> None:
        self._session = session
        self._url = f"{api_url.rstrip('/')}/bot{token}"
        self._poll_s = poll_s

    async def fetch(self, offset: int | None, *, is_patient: bool = True) -> list[bytes]:
        """Wait for updates from `offset` on."""
        asked: dict[str, Any] = {"timeout": self._poll_s if is_patient else 0, "limit": 100, "allowed_updates": ALLOWED}
        if offset is not None:
            asked["offset"] = offset
        return [bytes(raw) for raw in _decoded(_updates, await self._ask("getUpdates", asked))]

    async def confirm(self, offset: int) -> None:
        """Confirm all updates before `offset`."""
        await self._ask("getUpdates", {"offset": offset, "timeout": 0, "limit": 1, "allowed_updates": ALLOWED})

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates pushed."""
        asked = {"url": url, "secret_token": secret, "allowed_updates": ALLOWED, "drop_pending_updates": False}
        await self._ask("setWebhook", asked, within_s=SET_WITHIN_S)

    async def delete_webhook(self) -> None:
        """Have no updates pushed any more; what waits stays."""
        await self._ask("deleteWebhook", {"drop_pending_updates": False})

    async def webhook_state(self) -> WebhookState:
        """Ask what Telegram thinks of the webhook."""
        found = _decoded(_info, await self._ask("getWebhookInfo", {}))
        error_at = None if found.last_error_date is None else datetime.fromtimestamp(found.last_error_date, UTC)
        return WebhookState(found.url, found.pending_update_count, error_at, found.last_error_message)

    async def _ask(self, method: str, asked: dict[str, Any], *, within_s: float = MARGIN_S) -> msgspec.Raw:
        timeout = aiohttp.ClientTimeout(total=asked.get("timeout", 0) + within_s, sock_connect=5)
        try:
            async with self._session.post(f"{self._url}/{method}", json=asked, timeout=timeout) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise TransientError(f"{method}: {type(e).__name__}") from None  # its text may hold the URL: the token
        return _read(method, body, response.status)


def _read(method: str, body: bytes, status: int) -> msgspec.Raw:
    try:
        answer = _decoder.decode(body)
    except msgspec.DecodeError as e:
        raise TransientError(f"{method}: HTTP {status} without a readable answer") from e
    if answer.ok:
        return answer.result
    said = f"{answer.error_code} {answer.description}"
    if answer.error_code == 409 and method == "getUpdates":
        raise PollConflictError(said)
    if answer.error_code in (401, 404, 421):
        raise PollRefusedError(said)
    if answer.error_code == 400 and method == "setWebhook":
        raise WebhookRefusedError(said)
    rest_s = answer.parameters.get("retry_after")
    raise TransientError(f"{method}: {said}", delay_s=float(rest_s) if isinstance(rest_s, int | float) else None)


def _decoded(decoder: "msgspec.json.Decoder[Any]", result: msgspec.Raw) -> Any:
    try:
        return decoder.decode(result)
    except msgspec.DecodeError as e:
        raise TransientError(f"the Bot API answered in another form: {e}") from e


@asynccontextmanager
async def open_updates(token: str, api_url: str, poll_s: int) -> AsyncIterator[AiohttpUpdates]:
    """Open a poller with a connection of its own, so that a long poll holds no send."""
    async with aiohttp.ClientSession(trust_env=False) as session:
        yield AiohttpUpdates(session, token, api_url, poll_s)
