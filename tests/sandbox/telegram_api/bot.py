"""A bot and the people around it, spoken to over real HTTP."""

import asyncio
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox.telegram_api.server import TelegramApiServer

TOKEN = "123456789:AAtest-token_of-the-sandbox"


def png(width: int = 640, height: int = 480, shade: int = 40) -> bytes:
    """Paint a picture of one grey."""
    rows = b"".join(b"\0" + bytes([shade]) * width for _ in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@dataclass(frozen=True)
class Answered:
    """An answer of the Bot API."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def result(self) -> Any:
        assert self.body["ok"], self.body
        return self.body["result"]

    @property
    def refusal(self) -> tuple[int, str]:
        assert not self.body["ok"], self.body
        assert self.status == self.body["error_code"]
        return self.status, self.body["description"]


class Bot:
    """Calls the server as a bot, and acts for its people."""

    def __init__(self, server: TelegramApiServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session
        self.base = f"{server.url}/bot{TOKEN}"

    async def call(self, method: str, **parameters: Any) -> Answered:
        """Call with a form; nested values become JSON text, bytes become files."""
        fields = {name: one for name, one in parameters.items() if one is not None}
        if any(isinstance(one, bytes) for one in fields.values()):
            data: Any = aiohttp.FormData()
            for name, one in fields.items():
                filename = f"{name}.png" if isinstance(one, bytes) else None
                data.add_field(name, one if isinstance(one, bytes) else _text(one), filename=filename)
        else:
            data = {name: _text(one) for name, one in fields.items()}
        async with self.session.post(f"{self.base}/{method}", data=data) as response:
            return Answered(response.status, await response.json(), dict(response.headers))

    async def sandbox(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        """Use the people's side of the server."""
        async with self.session.request(method, f"{self.server.url}/sandbox/{path}", json=body) as response:
            assert response.status < 400, (response.status, await response.text())
            return await response.json()

    async def get(self, path: str) -> Any:
        """Look at the people's side of the server."""
        return await self.sandbox(path, method="GET")

    async def person(self, name: str = "Rani", **fields: Any) -> int:
        """Create a person; return the chat's id."""
        return (await self.sandbox("chats", {"first_name": name, **fields}))["id"]

    async def updates(self, **parameters: Any) -> list[dict[str, Any]]:
        """Poll once."""
        return (await self.call("getUpdates", **parameters)).result


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


async def until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait until something inside the server is so. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)
