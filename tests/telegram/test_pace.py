"""The real pace against a server that enforces Telegram's limits: nobody is flooded, nobody waits for nothing."""

import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from contracts.messages import DeliveryState, SendClass
from sandbox.telegram_api.server import TelegramApiServer
from services.telegram.domain.scheduler import Limits
from tests.sandbox.telegram_api.bot import png
from tests.telegram.builders import send, text
from tests.telegram.gateway import until
from tests.telegram.test_chat_contract import TOKEN, People

pytestmark = pytest.mark.real
PEOPLE = 100
KEY = "picture"


@pytest.fixture
async def town(gateway):
    from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot

    async with (
        TelegramApiServer(TOKEN) as server,
        open_bot(TOKEN, server.url, timeout_s=40.0, connections=136) as bot,
        aiohttp.ClientSession() as session,
    ):
        people = People(server.url, session)
        gateway.chat, gateway.limits = AiogramChat(bot), Limits()
        gateway.persons = [await people.join() for _ in range(PEOPLE)]
        gateway.journal = server.journal
        yield gateway


@pytest.mark.alone
async def test_signals_to_many_keep_the_limits_and_pass_a_broadcast(town):
    expires_at = datetime.now(UTC) + timedelta(seconds=60)
    started = time.monotonic()
    async with town.running():
        for person in town.persons:
            await town.say(send(person, text("news"), SendClass.BROADCAST, id=f"m:news:{person}"))
        for person in town.persons:
            await town.say(send(person, id=f"m:signal:{person}", chart_key=KEY, expires_at=expires_at))
        await until(lambda: len([one for one in town.settled() if one.kind == "signal"]) == PEOPLE)
        took_s = time.monotonic() - started
        await town.draw(KEY, body=png())
        await until(lambda: len(town.settled()) == 3 * PEOPLE, 60)

    entries = town.journal.render(0)["entries"]
    assert {one.state for one in town.settled()} == {DeliveryState.DELIVERED}
    assert [entry for entry in entries if entry["outcome"] != "accepted"] == []
    pictures = [one["file"] for entry in entries for one in entry["parameters"].get("media", [])]
    assert (len(pictures), sum(picture["is_upload"] for picture in pictures)) == (PEOPLE, 1)
    assert (
        took_s < 2 * PEOPLE / 28 * 4
    )  # a guard: a busy machine costs some, one chat after the other would take 28 times
