"""The simulated subscribers of a stack: they talk to the bot through the local Bot API, as the phone page does."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

Json = dict[str, Any]


class SilentBotError(RuntimeError):
    """The bot did not answer in time."""


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

    async def journal(self, after: int = 0) -> list[Json]:
        """Read every call of the bot after the entry numbered `after`."""
        return list((await self._get(f"/sandbox/journal?after={after}"))["entries"])

    async def messages(self, chat_id: int) -> list[Json]:
        """Read a chat."""
        return list((await self._get(f"/sandbox/chats/{chat_id}/messages"))["messages"])

    async def answered(self, chats: Sequence[int], count: int, within_s: float = 30.0) -> None:
        """Wait until the bot has sent `count` messages to each of the chats.

        Raises:
            SilentBotError: it did not.
        """
        deadline = time.monotonic() + within_s
        heard: Counter[int] = Counter()
        seen = 0
        while silent := [chat for chat in chats if heard[chat] < count]:
            if time.monotonic() > deadline:
                raise SilentBotError(f"the bot did not answer in chat {silent[0]} within {within_s:.0f} s")
            await asyncio.sleep(0.1)
            for entry in await self.journal(seen):
                seen = entry["number"]
                heard[entry["chat_id"]] += is_new_message(entry)


def is_new_message(entry: Json) -> bool:
    """Whether a call put a new message into a chat."""
    return entry["outcome"] == "accepted" and entry["method"] in ("sendMessage", "sendPhoto", "sendDocument")


def text_of(entry: Json) -> str:
    """What a message said."""
    return str(entry["parameters"].get("text") or entry["parameters"].get("caption") or "")
