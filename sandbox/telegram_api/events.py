"""What happens in the chats, told live to every open page as server-sent events."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_QUEUE_LIMIT = 1000


class Listener:
    """One page's queue; a page that does not keep up is ended, and loads everything anew when it comes back."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(_QUEUE_LIMIT)
        self.is_lost = False

    def tell(self, line: str | None) -> None:
        """Queue an event; None ends the stream."""
        try:
            self._queue.put_nowait(line)
        except asyncio.QueueFull:
            self.is_lost = True

    async def next(self, timeout_s: float) -> str | None:
        """Return the next event, ":" when nothing happened for a while, None at the end."""
        if self.is_lost:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await self._queue.get()
        except TimeoutError:
            return ":"


class EventBroker:
    """Tells every listener everything."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._is_closed = False

    def tell(self, kind: str, **fields: Any) -> None:
        """Tell an event of a kind."""
        if self._listeners:
            line = json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"))
            for listener in self._listeners:
                listener.tell(line)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Listen until the block ends."""
        listener = Listener()
        self._listeners.add(listener)
        if self._is_closed:
            listener.tell(None)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream."""
        self._is_closed = True
        for listener in self._listeners:
            listener.tell(None)
