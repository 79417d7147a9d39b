"""Every service is killed −9 once while messages flow; the account at the end is exact."""

import asyncio

import pytest

from chassis.nats_bus import connect
from sandbox.stack.layout import answers
from sandbox.stack.people import People
from sandbox.stack.stack import ROOMS, Market, Stack
from sandbox.stack.tally import read_records, summarise

pytestmark = [pytest.mark.real, pytest.mark.stack, pytest.mark.timeout(300)]


async def until_ready(stack: Stack, room: str) -> None:
    async with asyncio.timeout(60):
        while not await answers("127.0.0.1", stack.layout.room_ports[room], "/readyz"):
            await asyncio.sleep(0.1)


async def until_sent(people: People, more: int) -> None:
    """Wait until `more` calls than now were made, so that the next kill hits a system at work."""
    async with asyncio.timeout(60):
        seen = len(await people.journal())
        while len(await people.journal()) < seen + more:
            await asyncio.sleep(0.1)


async def test_killing_each_service_loses_and_doubles_nothing() -> None:
    async with (
        Stack(Market(speed=60.0)) as stack,
        People(stack.layout.telegram_url) as people,
        connect(stack.layout.broker.url, name="test") as bus,
    ):
        chats = [await people.join(name, "id") for name in ("Ani", "Budi", "Citra")]
        for chat in chats:
            await people.say(chat, "/start")
            await people.say(chat, "/monitor")
        await people.answered(chats, 2)

        for room in ROOMS:
            await until_sent(people, 6)
            stack.kill(room)
            await until_ready(stack, room)
        await until_sent(people, 6)

        async with asyncio.timeout(60):
            await stack.drain("XAUUSD")
        records = await read_records(bus, stack.layout.database_url, await people.journal(), "XAUUSD")
        summary = summarise(records)

    assert stack.supervisor.restarts == dict.fromkeys(ROOMS, 1)
    assert (summary["lost"], summary["duplicated"]) == (0, 0), summary
    assert summary["positions"]["closed"] >= 1
    opens = [candle.open_time_s for candle in records.candles["M1"]]
    assert opens == sorted(set(opens))
    assert stack.remains() == []
