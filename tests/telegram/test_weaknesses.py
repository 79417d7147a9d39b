"""The predecessor's weaknesses that sending can have (product.md section 9), each shown gone.

S15 and X4 are in test_with_positions.py, the token of X13 in test_token.py, S4 under load in test_storm.py.
"""

import asyncio
from datetime import UTC, datetime

import aiohttp
import psycopg
import pytest

from chassis.clock import ManualClock
from chassis.nats_bus import connect
from contracts import catalogue
from contracts.messages import DeliveryState, ExitReason, SendClass, Side, StopNotice
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot
from services.telegram.domain.pictures import KEY_LIFE_S, PictureRoom
from services.telegram.domain.scheduler import Limits
from services.telegram.handlers.gallery import Gallery
from tests.sandbox.telegram_api.bot import png
from tests.telegram.builders import MARKET_MS, POSITION, outcome_notice, send
from tests.telegram.fake_chat import Trouble, said
from tests.telegram.gateway import until
from tests.telegram.test_chat_contract import TOKEN, People
from tests.telegram.test_service import Town, eventually

pytestmark = pytest.mark.real
SUBSCRIBERS = 200
RENDER_S = 1.0
KEY = "chart"


@pytest.fixture
async def server():
    async with TelegramApiServer(TOKEN, settings=ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.1)) as running:
        yield running


async def test_s3_two_hundred_texts_do_not_wait_for_a_renderer_and_cost_one_upload(gateway, server):
    async with (
        open_bot(TOKEN, server.url, timeout_s=40.0, connections=136) as bot,
        aiohttp.ClientSession() as session,
    ):
        people = People(server.url, session)
        persons = [await people.join() for _ in range(SUBSCRIBERS)]
        gateway.chat = AiogramChat(bot)
        async with gateway.running():
            for person in persons:
                await gateway.say(send(person, id=f"m:signal:{person}", position_id=f"p:{person}", chart_key=KEY))
            await until(lambda: len(gateway.settled()) == SUBSCRIBERS)
            await asyncio.sleep(RENDER_S)  # the renderer is at work: nothing depends on how long
            await gateway.draw(KEY, body=png())
            await until(lambda: len(gateway.settled()) == 2 * SUBSCRIBERS)

    made = [one for one in server.journal.entries() if one.outcome == "accepted"]
    texts = [one for one in made if one.method == "sendMessage"]
    pictures = [one.parameters["media"][0]["file"] for one in made if one.method == "editMessageMedia"]
    assert len(texts) == SUBSCRIBERS
    assert sum(one["is_upload"] for one in pictures) == 1
    assert len(pictures) == SUBSCRIBERS
    assert {one.state for one in gateway.settled()} == {DeliveryState.DELIVERED}


async def test_s3_a_file_id_outlives_the_process_and_an_expired_one_is_uploaded_again(gateway, server):
    async with open_bot(TOKEN, server.url, timeout_s=40.0, connections=8) as bot, aiohttp.ClientSession() as session:
        people = People(server.url, session)
        first, second, third = [await people.join() for _ in range(3)]
        gateway.chat = AiogramChat(bot)
        async with gateway.running():
            await gateway.draw(KEY, body=png())
            await gateway.say(charted(first))
            await until(lambda: pictures_of(server) == [True])
        async with gateway.running():
            await gateway.say(charted(second))
            await until(lambda: pictures_of(server) == [True, False])
        await people.post("files/forget", {})
        async with gateway.running():
            await gateway.say(charted(third))
            await until(lambda: pictures_of(server) == [True, False, True])
            await gateway.until_idle()

    assert {one.state for one in gateway.settled()} == {DeliveryState.DELIVERED}


def charted(person):
    return send(person, id=f"m:signal:{person}", position_id=f"p:{person}", chart_key=KEY)


def pictures_of(server):
    """List the pictures that were shown, in order: whether each was an upload."""
    shown = [one.parameters for one in server.journal.entries() if one.outcome == "accepted"]
    files = [one.get("photo") or next((media["file"] for media in one.get("media", [])), None) for one in shown]
    return [one["is_upload"] for one in files if one is not None]


@pytest.mark.timeout(300)
async def test_s4_sends_that_fail_with_a_kill_in_between_are_delivered_once(nats, postgres, server):
    async with connect(nats, name="positions") as bus, aiohttp.ClientSession() as session:
        town = Town(nats, postgres, server, session)
        person = await town.people.join()
        await town.people.post("faults", {"kind": "error", "code": 500, "method": "sendMessage", "count": 2})
        await town.people.post("faults", {"kind": "retry_after", "seconds": 600, "method": "sendMessage"})
        message = send(person, at=datetime.now(UTC), id="m:signal:p:killed")
        async with town.service() as first:
            await bus.publish(catalogue.SEND, message, "signal", person)
            await eventually(lambda: is_resting(postgres, message.id, attempts=3))  # for long: no call is under way
            first.process.kill()
            await first.process.wait()
        await end_rest(postgres, message.id)
        await town.people.post("faults", {"kind": "error", "code": 500, "method": "sendMessage"})
        async with town.service():
            settled = await eventually(lambda: bus.latest(catalogue.DELIVERY, "delivered", person))
            await eventually(lambda: is_empty(bus))

    texts = texts_of(server, person)
    assert [one.state for one in settled] == [DeliveryState.DELIVERED]
    assert len(texts) == 1
    assert "🔁" not in texts[0]


async def is_resting(postgres, send_id, *, attempts):
    """Tell whether a send waits for its next call after so many; what a killed call did would be unknown."""
    asked = "select state = 'waiting' and attempts = %s from telegram.delivery where send_id = %s"
    async with await psycopg.AsyncConnection.connect(postgres) as connection:
        found = await (await connection.execute(asked, (attempts, send_id))).fetchone()
    return found == (True,)


async def end_rest(postgres, send_id):
    async with await psycopg.AsyncConnection.connect(postgres) as connection:
        await connection.execute("update telegram.delivery set next_at = now() where send_id = %s", (send_id,))


async def is_empty(bus):
    return await bus.next_stored(catalogue.SEND, None, None) is None


def texts_of(server, person):
    chat = server.world.chats.get(person)
    return [one.content.text.text for one in chat.messages.values()]


async def test_s11_what_is_cached_goes_at_its_age_without_any_traffic(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.gallery.LOOK_S", 0.01)
    room, clock = PictureRoom(), ManualClock(datetime(2026, 1, 5, tzinfo=UTC))
    gallery = Gallery(gateway.bus, gateway.deliveries, room, clock, 60.0)
    for number in range(1000):
        room.drawn(f"chart-{number}")
    watching = asyncio.ensure_future(gallery.run(lambda _: None, lambda _: None))
    await until(lambda: all(key.idle_since is not None for key in room._keys.values()))

    clock.advance(KEY_LIFE_S)
    await until(lambda: room.keys == 0)

    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_s11_chats_that_were_spoken_to_leave_nothing_behind(gateway):
    gateway.limits = Limits(per_second=2000.0, private_gap_s=0.2, in_flight=64)
    async with gateway.running() as sender:
        for chat in range(1, 101):
            await gateway.say(send(chat))
        await until(lambda: len(gateway.settled()) == 100)
        await until(lambda: not sender._scheduler._lanes)
        assert sender.held == 0


async def test_x7_stop_notices_that_wait_become_one_with_the_newest_stop_before_the_exit(gateway):
    gateway.chat.troubles = [Trouble(said(429, "Too Many Requests: retry after 1", 0.5), chat_id=7)]
    async with gateway.running():
        await gateway.say(send(7, id="m:signal"))
        for number in range(20):
            await gateway.say(stop_moved(number))
        await gateway.say(send(7, outcome_notice(), SendClass.EXIT, id="m:outcome"))
        await gateway.until_idle()

    shown = [bubble.shown.html for bubble in gateway.chat.of(7)]
    assert len(shown) == 3
    assert "4019.00" in shown[1]
    assert "Exit" in shown[2]
    assert sorted(one.state for one in gateway.settled()) == ["delivered"] * 3 + ["expired"] * 19


def stop_moved(number):
    content = StopNotice(
        position_id=POSITION, short_id="ABC123", symbol="XAUUSD", side=Side.BUY, reason=ExitReason.TRAILING,
        entry=4025.5, stop=4000.0 + number, digits=2, pnl=1, r=0.1, market_ms=MARKET_MS,
    )  # fmt: skip
    return send(7, content, SendClass.STOP, id=f"m:stop{number}", coalesce=f"stop:{POSITION}")
