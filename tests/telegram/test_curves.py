"""/performance and /analytics with the picture of their curve: positions, charts and the gateway on one broker."""

import asyncio
import io
import itertools
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

import aiohttp
import pytest
from PIL import Image

from chassis.consume import consume
from chassis.trace import new_trace
from contracts import catalogue, ids
from contracts.asks import GetRecord, GetStatistics
from contracts.messages import DeliveryState
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from services.charts.domain import canvas
from services.charts.domain.curve import CurvePicture, compose_curve
from services.charts.handlers import ChartDrawer, Style
from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot
from services.telegram.adapters.postgres_dashboards import PostgresDashboards
from services.telegram.domain.presses import Press, Verb
from services.telegram.handlers.conversation import Conversation
from services.telegram.handlers.desk import Desk, Request
from tests.charts.builders import JAKARTA
from tests.positions.builders import START_MS
from tests.positions.house import House
from tests.positions.ledger import Done, keep
from tests.telegram.builders import WORDS, statistics
from tests.telegram.phone import a_phone, words
from tests.telegram.test_chat_contract import TOKEN, People

HOUR_MS = 3_600_000
READ = {"en": "Your performance", "id": "Performa Anda"}


class PlainRenderer:
    """Draws every scene as one colour, while `gate` is open."""

    def __init__(self):
        self.scenes = []
        self.gate = asyncio.Event()

    async def render(self, scene):
        self.scenes.append(scene)
        await self.gate.wait()
        drawn = io.BytesIO()
        Image.new("RGB", (1280, 960), (len(self.scenes), 0, 0)).save(drawn, "PNG")
        return drawn.getvalue()


class Town:
    """People at a Bot API server, who talk to the gateway; their trades lie in the database."""

    def __init__(self, gateway, house, people, conversation, renderer):
        self.gateway, self.house, self.people = gateway, house, people
        self.renderer = renderer
        self._conversation = conversation
        self._updates = itertools.count(1)

    async def trader(self, *pnls, language="en"):
        """Let somebody in who has closed trades."""
        person = await self.people.join()
        closed = [
            Done(
                place=place, person=person, pnl=Decimal(pnl), r=float(pnl) / 2, signal=f"s:{place}",
                closed_ms=START_MS + place * HOUR_MS, zone="Asia/Jakarta",
            )
            for place, pnl in enumerate(pnls)
        ]  # fmt: skip
        await asyncio.to_thread(keep, self.house.url, closed)
        await self.house.rows_only(f"update subscriber set language = '{language}' where id = {person}")
        return person

    def _request(self, person, argument=""):
        return Request(
            update_id=next(self._updates), chat_id=person, person_id=person, name="Budi", language_code="en",
            at=datetime.now(UTC), trace=new_trace(), argument=argument,
        )  # fmt: skip

    async def types(self, person, command, argument=""):
        """Type a command and wait until its answer is there; returns the answer's send id."""
        request = self._request(person, argument)
        await self._conversation.command(command, request)
        send_id = ids.send_id(str(request.update_id), "reply")
        assert (await self.gateway.until_settled(send_id)).state is DeliveryState.DELIVERED
        return send_id

    async def presses(self, person, press):
        await self._conversation.press("1", press.pack(), self._request(person, press.argument))

    async def until_joined(self, send_id):
        return await self.gateway.until_settled(ids.send_id(send_id, "picture"))

    async def sees(self, person, command):
        """Type a command and wait until its answer has a picture, which may have come with it."""
        await self.types(person, command)
        async with asyncio.timeout(60):
            while "photo" not in (await self.messages(person))[-1]:  # another server's state rings nothing here
                await asyncio.sleep(0.02)
        await self.gateway.until_idle()

    async def messages(self, person):
        return await self.people.messages(person)

    def wishes(self):
        return self.gateway.bus.said(catalogue.CURVE)


@asynccontextmanager
async def a_town(gateway, postgres, *, has_charts=True):
    """Run positions, charts (without a browser) and the gateway, on a real database and a Bot API server."""
    renderer = PlainRenderer()
    async with (
        TelegramApiServer(TOKEN, settings=ServerSettings(limits=NO_LIMITS)) as server,
        aiohttp.ClientSession() as session,
        open_bot(TOKEN, server.url, timeout_s=30, connections=8) as bot,
        House.open(postgres) as house,
    ):
        house.bus, gateway.chat = gateway.bus, AiogramChat(bot)
        desk = Desk(
            gateway.bus, PostgresDashboards(gateway.pool), gateway.forgotten, WORDS, gateway.clock, "XAUUSD",
            picture_key=b"a bot's token",
        )  # fmt: skip
        drawer = ChartDrawer(gateway.bus, renderer, gateway.clock, Style())
        curves = {catalogue.CURVE: drawer.draw_curve}
        async with house.room(follows=False), gateway.running(), asyncio.TaskGroup() as group:
            drawing = consume(gateway.bus, catalogue.CHARTS_CURVES, curves, clock=gateway.clock, concurrency=1)
            works = [group.create_task(drawing)] if has_charts else [drawing.close()]
            people = People(server.url, session)
            yield Town(gateway, house, people, Conversation(desk, gateway.chat), renderer)
            for work in works if has_charts else ():
                work.cancel()


@pytest.mark.real
@pytest.mark.parametrize("language", ["en", "id"])
async def test_the_figures_come_first_and_the_curve_joins_the_same_message(gateway, postgres, language):
    async with a_town(gateway, postgres) as town:
        person = await town.trader("3.00", "-2.00", "4.50", language=language)
        asked = await town.types(person, "performance", "3660")
        (text,) = await town.messages(person)
        town.renderer.gate.set()
        joined = await town.until_joined(asked)
        (pictured,) = await town.messages(person)

    assert text["text"].startswith(f"📊 {READ[language]}")
    assert "photo" not in text
    assert joined.state is DeliveryState.DELIVERED
    assert (pictured["message_id"], pictured["caption"]) == (text["message_id"], text["text"])
    assert (pictured["photo"][-1]["width"], pictured["photo"][-1]["height"]) == (1280, 960)


@pytest.mark.real
async def test_the_same_trades_asked_again_are_drawn_and_uploaded_once(gateway, postgres):
    async with a_town(gateway, postgres) as town:
        person = await town.trader("3.00", "-2.00")
        town.renderer.gate.set()
        await town.sees(person, "performance")
        await town.types(person, "performance")
        await gateway.until_idle()
        first, second = await town.messages(person)

    assert len(town.renderer.scenes) == 1
    assert first["photo"][-1]["file_unique_id"] == second["photo"][-1]["file_unique_id"]
    assert first["message_id"] != second["message_id"]


@pytest.mark.real
async def test_the_record_is_one_picture_and_one_upload_for_two_readers(gateway, postgres):
    async with a_town(gateway, postgres) as town:
        one, other = await town.trader("3.00", "-2.00"), await town.trader("3.00", "-2.00")
        town.renderer.gate.set()
        await town.sees(one, "analytics")
        await town.types(other, "analytics")
        await gateway.until_idle()
        pictures = [(await town.messages(person))[0]["photo"][-1]["file_unique_id"] for person in (one, other)]

    assert len(town.renderer.scenes) == 1
    assert pictures[0] == pictures[1]


@pytest.mark.real
async def test_two_people_with_the_same_trades_never_share_a_picture_of_their_own(gateway, postgres):
    async with a_town(gateway, postgres) as town:
        one, other = await town.trader("3.00", "-2.00"), await town.trader("3.00", "-2.00")
        town.renderer.gate.set()
        for person in (one, other):
            await town.sees(person, "performance")
        await gateway.until_idle()
        pictures = [(await town.messages(person))[0]["photo"][-1]["file_unique_id"] for person in (one, other)]

    assert len({wish.key for wish in town.wishes()}) == 2
    assert pictures[0] != pictures[1]


@pytest.mark.real
async def test_while_charts_are_away_the_figures_stand_alone(gateway, postgres):
    gateway.picture_wait_s = 0.2
    async with a_town(gateway, postgres, has_charts=False) as town:
        person = await town.trader("3.00", "-2.00")
        asked = await town.types(person, "performance")
        joined = await town.until_joined(asked)
        (only,) = await town.messages(person)

    assert joined.state is DeliveryState.EXPIRED
    assert only["text"].startswith("📊 Your performance")
    assert "photo" not in only


@pytest.mark.real
async def test_without_a_trade_no_picture_is_waited_for(gateway, postgres):
    async with a_town(gateway, postgres) as town:
        person = await town.trader("3.00")
        await town.house.rows_only("delete from position_event; delete from position")
        await town.types(person, "performance")
        await gateway.until_idle()
        (only,) = await town.messages(person)

    assert "The curve is drawn from the first closed trade on." in only["text"]
    assert town.wishes() == []
    assert len(gateway.settled()) == 1


@pytest.mark.real
@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("command", ["performance", "analytics"])
async def test_every_number_on_the_picture_is_in_the_text(gateway, postgres, language, command):
    async with a_town(gateway, postgres) as town:
        person = await town.trader("1503.00", "-2.00", "0.00", "-804.37", "44.50", language=language)
        await town.types(person, command)
        (message,) = await town.messages(person)

    (wish,) = town.wishes()
    text = message["text"].replace("\N{NO-BREAK SPACE}", " ")
    scene = compose_curve(CurvePicture(wish, JAKARTA))
    numbers = [scene.badge.word, scene.tags[0].value]
    numbers += [re.sub(r"^\D*(?=[+−]\d)", "", words_of(note)) for note in scene.notes]
    values = [words_of(one) for one in scene.texts if one.size_px == canvas.CELL_PX]
    counts = re.findall(r"[\d.,]+", values.pop(0))
    assert len(numbers) == 4
    assert len(values) == 3
    for number in [*numbers, *values]:
        assert number in text
    assert f"{counts[0]} ·" in text
    assert all(re.search(rf"(won|menang|lost|kalah) {count}\b", text) for count in counts[1:])


def words_of(one):
    return "".join(span.text for span in one.spans)


@pytest.mark.real
async def test_who_is_erased_takes_his_pictures_along_and_nobody_elses(gateway, postgres):
    async with a_town(gateway, postgres) as town:
        one, other = await town.trader("3.00", "-2.00"), await town.trader("1.00", "-2.00")
        town.renderer.gate.set()
        for person, command in ((one, "performance"), (one, "analytics"), (other, "performance")):
            await town.sees(person, command)
        his, everybodys, anothers = (wish.key for wish in town.wishes())
        await town.presses(one, Press(Verb.ERASE, "yes"))

        async def kept():
            in_store = [await gateway.bus.get(catalogue.CHART_PICTURES, key) for key in (his, everybodys, anothers)]
            at_telegram = [await gateway.deliveries.file_id(key) for key in (his, everybodys, anothers)]
            return [one is not None for one in in_store], [one is not None for one in at_telegram]

        found = await kept()

    assert his.startswith(ids.OWN)
    assert found == ([False, True, True], [False, True, True])


async def test_the_secret_of_a_person_is_his_and_does_not_show_him():
    async with a_phone() as phone:
        for command in ("/performance", "/performance 7", "/analytics"):
            await phone.types(command)
    own, again, record = phone.room.asked[1::2]

    assert isinstance(own, GetStatistics)
    assert isinstance(record, GetRecord)
    assert (own.secret, record.has_curve) == (again.secret, True)
    assert len(own.secret) == 64


async def test_erasing_goes_on_where_it_was_cut_off():
    """The pictures go before the rows that tell of them: a repeat finds what is left."""
    async with a_phone() as phone:
        phone.room.forgotten.own_pictures = ["own-1", "own-2"]
        await phone.bus.put(catalogue.CHART_PICTURES, "own-2", b"x")
        assert "telah dihapus" in words(await phone.presses("erase:yes"))
        assert await phone.bus.get(catalogue.CHART_PICTURES, "own-2") is None
        assert phone.room.forgotten.people.keys() == {77}


async def test_the_answer_carries_the_key_of_its_picture(monkeypatch):
    async with a_phone() as phone:
        told = statistics(chart_key="own-1")
        monkeypatch.setattr("tests.telegram.positions_room.statistics", lambda **_: told)
        answers = [await phone.types(command) for command in ("/performance", "/analytics")]
    async with a_phone(operators=(77,)) as phone:
        stats = await phone.types("/stats")

    assert [one.chart_key for one in answers] == ["own-1", "own-1"]
    assert stats.chart_key is None
