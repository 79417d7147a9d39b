"""The whole stack on a broker that knows its users: everything works, and nothing that was needed is refused."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from chassis.broker_users import PROVISIONER
from sandbox.stack.broker import Logins
from sandbox.stack.people import Json, People
from sandbox.stack.stack import ROOMS, Market, Stack
from sandbox.stack.tally import read_records, summarise
from tests.broker_users import Ring

pytestmark = [pytest.mark.real, pytest.mark.stack, pytest.mark.timeout(300)]

WITHOUT_FEED = tuple(room for room in ROOMS if room != "feed")
"""What still runs when the market has been stopped."""
REFUSED = re.compile(r'^sinyal_bus_errors_total{kind="permission"} (\S+)$', re.MULTILINE)
SAID = ("/status", "/settings", "/history", "/performance", "/chart", "/why", "/dashboard", "/export", "/signal")


async def refusals(stack: Stack, client: aiohttp.ClientSession, rooms: Sequence[str] = ROOMS) -> dict[str, float]:
    """Tell what the broker refused to each room."""
    found = {}
    for room in rooms:
        async with client.get(f"http://127.0.0.1:{stack.layout.room_ports[room]}/metrics") as answer:
            found[room] = sum(map(float, REFUSED.findall(await answer.text())))
    return found


async def test_the_whole_product_lives_with_a_user_per_room(tmp_path: Path) -> None:
    ring = Ring(tmp_path)
    async with (
        Stack(Market(speed=60.0, seed=1), logins=Logins(ring.configuration, ring.seeds)) as stack,
        People(stack.layout.telegram_url) as people,
        aiohttp.ClientSession() as client,
    ):
        chats = [await people.join(name, "en") for name in ("Ani", "Budi")]
        for chat in chats:
            await people.say(chat, "/start")
            await people.say(chat, "/monitor")
        await people.answered(chats, 2)
        for words in SAID:
            await people.say(chats[0], words)
        async with asyncio.timeout(120):
            while not await is_complete(stack, ring, people):
                await asyncio.sleep(0.5)
        refused_before = await refusals(stack, client)
        stack.kill("telegram")
        async with asyncio.timeout(60):
            while stack.supervisor.restarts.get("telegram") != 1 or not await is_ready(stack, client, "telegram"):
                await asyncio.sleep(0.1)
        async with asyncio.timeout(60):
            await stack.drain("XAUUSD")
        summary = await account(stack, ring, people)
        refused = await refusals(stack, client, WITHOUT_FEED)

    assert refused_before == dict.fromkeys(ROOMS, 0)
    assert refused == dict.fromkeys(WITHOUT_FEED, 0)
    assert (summary["lost"], summary["duplicated"], summary["messages"]["dead"]) == (0, 0, 0), summary


async def account(stack: Stack, ring: Ring, people: People) -> Json:
    """Count what was due and what arrived."""
    async with ring.connect(stack.layout.broker.url, PROVISIONER) as bus:
        return summarise(await read_records(bus, stack.layout.database_url, await people.journal(), "XAUUSD"))


async def is_ready(stack: Stack, client: aiohttp.ClientSession, room: str) -> bool:
    try:
        async with client.get(f"http://127.0.0.1:{stack.layout.room_ports[room]}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def is_complete(stack: Stack, ring: Ring, people: People) -> bool:
    """Whether a trade was followed to its end, its picture was drawn, and what was asked was answered."""
    summary = await account(stack, ring, people)
    sent = {entry["method"] for entry in await people.journal() if entry["outcome"] == "accepted"}
    return summary["positions"]["closed"] >= 1 and summary["messages"]["photos"] >= 2 and "sendDocument" in sent
