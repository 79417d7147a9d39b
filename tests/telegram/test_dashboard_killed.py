"""S9 with processes: a gateway that is killed while it brings a dashboard up to date leaves nothing behind."""

import asyncio
from decimal import Decimal

import psycopg
import pytest

from chassis.nats_bus import connect
from contracts.asks import GetHistory, GetStatus
from tests.telegram.builders import POSITION, history, open_position, status, trade
from tests.telegram.positions_room import PositionsRoom
from tests.telegram.test_service import eventually, has, town

__all__ = ["town"]

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]  # four starts


class HesitantRoom(PositionsRoom):
    """It lets one kind of question wait for its answer, and tells when it is asked one."""

    def __init__(self):
        super().__init__()
        self.unanswered = ()
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def known(self, question, answer):
        if isinstance(question, self.unanswered):
            self.is_asked.set()
            await self.may_answer.wait()
        return await super().known(question, answer)


async def killed_when_asked(town, room, kind, begin):
    """Run a gateway until its updater asks positions once more, and kill it there: before it can send the edit."""
    async with town.service() as service:
        await begin()
        room.is_asked.clear()
        room.may_answer.clear()
        room.unanswered = kind
        async with asyncio.timeout(60):
            await room.is_asked.wait()
        service.process.kill()
        await service.process.wait()
    room.unanswered = ()
    room.may_answer.set()


def dashboards_of(postgres):
    with psycopg.connect(postgres) as connection:
        return connection.execute("select count(*), max(edits) from telegram.dashboard").fetchone()


async def test_s9_a_gateway_killed_again_and_again_leaves_no_dashboard_and_shows_the_result(town, nats, postgres):
    room = HesitantRoom()
    room.status = status(position=open_position())
    async with connect(nats, name="positions") as bus, room.answering(bus):
        person = await town.people.join()

        async def opened():
            await town.people.post(f"chats/{person}/text", {"text": "/start"})
            await town.people.post(f"chats/{person}/text", {"text": "/dashboard"})
            await eventually(lambda: has(town, person, "2,60 USD"))

        async def moved():
            room.status = status(position=open_position(price=4021.0, pnl=Decimal("7.70")))

        async def ended():
            room.status = status()
            room.history = history(trades=(trade(1, position_id=POSITION, pnl=Decimal("8.40"), r=2.05),))

        await killed_when_asked(town, room, GetStatus, opened)
        await killed_when_asked(town, room, GetStatus, moved)
        await killed_when_asked(town, room, GetHistory, ended)
        assert dashboards_of(postgres)[0] == 1

        async def is_empty():
            return dashboards_of(postgres)[0] == 0

        async with town.service():
            await eventually(is_empty)

    (shown,) = [text for text in await town.texts(person) if "P/L" in text]
    assert "8,40 USD" in shown
    assert "Dashboard selesai" in shown
