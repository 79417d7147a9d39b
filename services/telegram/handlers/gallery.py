"""Watches for pictures: sends that join one wait here until it is drawn, and one of them uploads it.

`drawn.v1.<key>` is a hint that may be lost; the object store is the truth and is looked at while somebody waits.
"""

import asyncio
from collections.abc import Callable

import structlog

from chassis.bus import Bus
from chassis.clock import Clock
from chassis.errors import TransientError
from contracts import catalogue
from contracts.messages import PictureNotice, SendMessage
from services.telegram.domain.pictures import PictureRoom
from services.telegram.ports import Deliveries

LOOK_S = 1.0
"""How often the object store is looked at for pictures that somebody waits for."""

Told = Callable[[list[str]], None]

logger = structlog.get_logger()


class Gallery:
    """The pictures that are waited for."""

    def __init__(self, bus: Bus, deliveries: Deliveries, room: PictureRoom, clock: Clock, wait_s: float) -> None:
        self._bus = bus
        self._deliveries = deliveries
        self._room = room
        self._clock = clock
        self._wait_s = wait_s
        self._arrived = asyncio.Event()

    def arrive(self, send: SendMessage) -> list[str]:
        """Let a send wait for its picture; returns the sends that may go now."""
        key = chart_key_of(send)
        assert key is not None
        self._arrived.set()
        return self._room.arrive(key, send.id, self._clock.monotonic() + self._wait_s)

    def carried(self, send: SendMessage, stored: str | None) -> list[str]:
        """Learn that a send was carried, and whether Telegram has its picture since; returns who may go now."""
        key = chart_key_of(send)
        if key is None:
            return []
        return self._room.uploaded(key) if stored == key else self._room.give_up(key, send.id)

    def drain(self) -> None:
        """Let nobody wait any more."""
        self._room.drain()

    async def run(self, release: Told, expire: Told) -> None:
        """Watch for ever: `release` is told which sends may go, `expire` which have waited long enough."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(release))
            group.create_task(self._look(release, expire))

    async def _listen(self, release: Told) -> None:
        async with self._bus.listen(catalogue.DRAWN) as drawn:
            async for picture in drawn:
                release(self._room.drawn(picture.key))

    async def _look(self, release: Told, expire: Told) -> None:
        while True:
            self._arrived.clear()
            for key in self._room.unseen():
                release(await self._find(key))
            expire(self._room.overdue(self._clock.monotonic()))
            self._room.forget(self._clock.monotonic())
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._arrived.wait()
        except TimeoutError:
            return

    async def _find(self, key: str) -> list[str]:
        """Look for one picture: at Telegram already, or in the store."""
        try:
            if await self._deliveries.file_id(key) is not None:
                return self._room.uploaded(key)
            if await self._bus.get(catalogue.CHART_PICTURES, key) is not None:
                return self._room.drawn(key)
        except TransientError as e:
            logger.warning("picture.unseen", key=key, error=str(e))
        return []


def chart_key_of(send: SendMessage) -> str | None:
    """Tell which picture a send shows or will show."""
    return send.content.chart_key if isinstance(send.content, PictureNotice) else send.chart_key
