"""The simulated subscribers of a stack: they talk to the bot through the local Bot API, as the phone page does."""

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import aiohttp

Json = dict[str, Any]


class People:
    """A client of the Bot API server's `/sandbox` endpoints, used while the context is open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        """Open the client."""
        self._client = aiohttp.ClientSession(self._url, timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        """Close it."""
        await self._client.close()

    async def _get(self, path: str) -> Json:
        async with self._client.get(path) as answer:
            answer.raise_for_status()
            found: Json = await answer.json()
            return found

    async def _post(self, path: str, body: Json) -> Json:
        async with self._client.post(path, json=body) as answer:
            answer.raise_for_status()
            found: Json = await answer.json()
            return found

    async def join(self, name: str, language: str) -> int:
        """Create a person; returns the chat's id."""
        chat = await self._post("/sandbox/chats", {"first_name": name, "language_code": language})
        return int(chat["id"])

    async def say(self, chat_id: int, text: str) -> None:
        """Type a text into a chat."""
        await self._post(f"/sandbox/chats/{chat_id}/text", {"text": text})

    async def press(self, chat_id: int, message_id: int, data: str) -> None:
        """Press a button."""
        await self._post(f"/sandbox/chats/{chat_id}/press", {"message_id": message_id, "data": data})

    async def journal(self) -> list[Json]:
        """Read every call of the bot."""
        return list((await self._get("/sandbox/journal"))["entries"])

    async def messages(self, chat_id: int) -> list[Json]:
        """Read a chat."""
        return list((await self._get(f"/sandbox/chats/{chat_id}/messages"))["messages"])

    async def answered(self, chat_id: int, count: int, within_s: float = 30.0) -> None:
        """Wait until the bot has sent `count` messages to a chat.

        Raises:
            TimeoutError: it did not.
        """
        deadline = time.monotonic() + within_s
        while sum(is_new_message(entry) and entry["chat_id"] == chat_id for entry in await self.journal()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the bot did not answer in chat {chat_id} within {within_s:.0f} s")
            await asyncio.sleep(0.1)


def is_new_message(entry: Json) -> bool:
    """Whether a call put a new message into a chat."""
    return entry["outcome"] == "accepted" and entry["method"] in ("sendMessage", "sendPhoto", "sendDocument")


def text_of(entry: Json) -> str:
    """What a message said."""
    return str(entry["parameters"].get("text") or entry["parameters"].get("caption") or "")
