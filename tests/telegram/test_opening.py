"""Positions and telegram together: what a person chose arrives as he chose it, and dashboards open by themselves."""

import asyncio
import contextlib
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest

from chassis.clock import SystemClock
from chassis.errors import AskFailedError, TransientError
from chassis.nats_bus import connect
from contracts import asks, catalogue, ids
from contracts.asks import GetStatus
from contracts.messages import PositionOpened, SendClass
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from services.telegram.adapters import postgres_dashboards
from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot
from services.telegram.adapters.postgres_dashboards import PostgresDashboards
from services.telegram.domain import dashboards
from services.telegram.domain.dashboards import Rhythm, rhythm
from services.telegram.handlers import dashboards as handling
from services.telegram.handlers.dashboards import Updater
from services.telegram.handlers.opening import Opening
from tests.positions.builders import a_signal, a_tick, now
from tests.positions.house import House, until_row
from tests.telegram.builders import POSITION, WORDS, history, open_position, status, subscriber, trade
from tests.telegram.gateway import until
from tests.telegram.positions_room import PositionsRoom
from tests.telegram.test_chat_contract import TOKEN, People
from tests.telegram.test_service import Town, delivered, eventually

pytestmark = pytest.mark.real
PERSON = 1
QUICK = Rhythm(look_s=0.05, gap_s=0.05)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for place, name, value in (
        (postgres_dashboards, "GAP_S", 0.05),
        (dashboards, "GAP_S", 0.05),
        (dashboards, "CLAIM_S", 0.05),
        (handling, "LOOK_S", 0.02),
    ):
        monkeypatch.setattr(place, name, value)


@pytest.fixture
async def house(postgres, gateway):
    """Positions beside the gateway."""
    async with House.open(postgres) as house:
        gateway.bus = house.bus
        yield house


@asynccontextmanager
async def gateway_running(gateway):
    """Run the sender and all that keeps dashboards."""
    rows, clock = PostgresDashboards(gateway.pool), SystemClock()
    running = (
        Updater(gateway.bus, rows, WORDS, clock, 10_000.0).run(),
        Opening(gateway.bus, rows, WORDS, clock).run(),
    )
    async with gateway.running():
        tasks = [asyncio.ensure_future(one) for one in running]
        try:
            yield rows
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def choose(house, person=PERSON, **settings):
    for name, value in settings.items():
        question = asks.ChangeSetting(subscriber_id=person, name=name, value=value)
        await house.bus.ask(catalogue.CHANGE_SETTING, question)


async def signalled(house, minute=0):
    await house.tick(a_tick(60_000 * minute, 3999.9))
    await house.raise_signal(a_signal(minute))
    await house.followed(1)


def read(gateway, person=PERSON):
    return [bubble.shown.html for bubble in gateway.chat.of(person)]


async def until_reads(gateway, words):
    await until(lambda: any(words in text for text in read(gateway)))


async def until_empty(rows):
    async def is_empty():
        return await rows.count() == 0

    await until_row(is_empty, "no dashboard")


# --- how loud ---------------------------------------------------------------------------------------------------------


async def test_x15_what_was_chosen_reaches_the_bot_api_as_it_was_chosen(house, gateway):
    """A signal and its stop move without a sound, the part of a target with one, the end not at all."""
    settings = ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.1)
    async with (
        TelegramApiServer(TOKEN, settings=settings) as server,
        open_bot(TOKEN, server.url, timeout_s=30.0, connections=8) as bot,
        aiohttp.ClientSession() as session,
    ):
        person = await People(server.url, session).join()
        gateway.chat, gateway.picture_wait_s = AiogramChat(bot), 0.1  # nobody draws here
        async with house.room(plan="three+trailing+break_even"), gateway.running():
            await house.feed()
            await house.subscribe(person)
            await choose(house, person, notify_signal="silent", notify_exit="off", notify_stop="silent")
            await signalled(house)
            await house.tick(a_tick(1000, 4001.1))
            await until(lambda: len(house.sent(SendClass.STOP)) == 1)
            await house.tick(a_tick(2000, 4002.2))
            await until(lambda: len(house.sent(SendClass.EXIT)) == 1)
            await house.tick(a_tick(3000, 4001.6))
            await house.closed(1)
            await house.quiet()
            await gateway.until_idle()

    texts = [one.parameters for one in server.journal.entries() if one.method == "sendMessage"]
    assert [bool(one.get("disable_notification")) for one in texts] == [True, True, False]


# --- dashboards -------------------------------------------------------------------------------------------------------


async def test_x15_a_dashboard_opens_with_the_trade_of_who_chose_that_and_ends_with_it(house, gateway):
    async with house.room(), gateway_running(gateway) as rows:
        await house.feed()
        await house.subscribe(PERSON)
        await choose(house, dashboard="on", notify_exit="off")
        await signalled(house)
        await until_reads(gateway, "📟")
        await house.tick(a_tick(1000, 4001.5))
        await until_reads(gateway, "+1,40 USD")
        await house.tick(a_tick(2000, 4003.2))
        await until_reads(gateway, "Dashboard selesai")
        await until_empty(rows)

    signal, dashboard = gateway.chat.of(PERSON)
    assert (dashboard.manner.reply_to, dashboard.manner.is_silent) == (signal.message_id, True)
    assert not signal.manner.is_silent
    assert "+3,10 USD" in dashboard.shown.html


async def test_nobody_else_gets_one(house, gateway):
    async with house.room(), gateway_running(gateway) as rows:
        await house.feed()
        await house.subscribe(PERSON)
        await signalled(house)
        await house.tick(a_tick(2000, 4003.2))
        await until(lambda: len(gateway.chat.of(PERSON)) == 2)
        await house.handled(catalogue.TELEGRAM_OPENED)
        assert await rows.count() == 0

    assert not any("📟" in text for text in read(gateway))


async def test_each_trade_has_its_own(house, gateway):
    async with house.room(), gateway_running(gateway) as rows:
        await house.feed()
        await house.subscribe(PERSON)
        await choose(house, dashboard="on")
        for number, minute in enumerate((0, 10), start=1):
            await signalled(house, minute)
            await until(lambda number=number: sum("📟" in text for text in read(gateway)) == 1)
            await house.tick(a_tick(60_000 * minute + 2000, 4003.2))
            await until(lambda number=number: sum("Dashboard selesai" in text for text in read(gateway)) == number)
        await until_empty(rows)


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.fixture
async def desk(gateway):
    """The gateway with a room of positions that says what a test wants."""
    room = PositionsRoom([subscriber(subscriber_id=PERSON, chat_id=PERSON)])
    room.status = status(position=open_position())
    async with room.answering(gateway.bus):
        yield room


def opened(position_id=POSITION, **more):
    values = {"subscriber_id": PERSON, "symbol": "XAUUSD", "dashboard": True}
    return PositionOpened(id=f"f:opened:{position_id}", at=now(), position_id=position_id, **{**values, **more})


def an_opening(gateway):
    rows = PostgresDashboards(gateway.pool)
    return Opening(gateway.bus, rows, WORDS, gateway.clock), rows


async def test_a_repeat_opens_nothing_also_when_the_first_is_over(gateway, desk):
    opening, rows = an_opening(gateway)
    async with gateway.running():
        for _ in range(2):
            await opening.on_opened(opened(), None)
        await gateway.until_idle()
        assert await rows.count() == 1
        await rows.forget(ids.send_id(POSITION, "dashboard"))
        await opening.on_opened(opened(), None)
        await gateway.until_idle()

    assert await rows.count() == 0
    assert len(gateway.chat.of(PERSON)) == 1


async def test_an_older_dashboard_ends_where_a_new_one_opens(gateway, desk):
    opening, rows = an_opening(gateway)
    await opening.on_opened(opened(), None)
    desk.status = status(position=open_position(position_id="p:next"))
    await opening.on_opened(opened("p:next"), None)

    endings = {row.position_id: row.ending for row in await rows.claim(9, QUICK)}
    assert endings == {POSITION: dashboards.Ending.REPLACED, "p:next": None}


@pytest.mark.parametrize("found", [None, "another"])
async def test_a_trade_that_is_over_by_then_gets_none(gateway, desk, found):
    desk.status = status(position=None if found is None else open_position(position_id=found))
    opening, rows = an_opening(gateway)

    await opening.on_opened(opened(), None)

    assert await rows.count() == 0
    assert gateway.bus.said(catalogue.SEND) == []


async def test_who_has_left_gets_none_and_a_room_that_is_away_is_asked_again(gateway, desk):
    opening, rows = an_opening(gateway)
    await opening.on_opened(opened(subscriber_id=404), None)
    desk.errors[GetStatus] = AskFailedError("internal", "bug")
    with pytest.raises(AskFailedError):
        await opening.on_opened(opened(), None)
    gateway.bus.cut()
    with pytest.raises(TransientError):
        await opening.on_opened(opened(), None)

    assert await rows.count() == 0


async def test_killed_between_the_row_and_its_message_another_copy_opens_it_once(gateway, desk, monkeypatch):
    publish, reached = gateway.bus.publish, asyncio.Event()

    async def dies(topic, *args):
        if topic is catalogue.SEND:
            reached.set()
            await asyncio.Event().wait()  # here the process is killed
        return await publish(topic, *args)

    with monkeypatch.context() as killing:
        killing.setattr(gateway.bus, "publish", dies)
        async with gateway_running(gateway) as rows:
            await publish(catalogue.POSITION_OPENED, opened(), PERSON)
            async with asyncio.timeout(60):
                await reached.wait()
    assert await rows.count() == 1
    async with gateway_running(gateway):
        await until_reads(gateway, "📟")
        await until(lambda: gateway.bus.waiting(catalogue.TELEGRAM_OPENED) == 0)

    assert await rows.count() == 1
    assert len(gateway.chat.of(PERSON)) == 1


class Crowd(PositionsRoom):
    """Everybody has a trade of his own."""

    async def known(self, question, answer):
        if isinstance(question, GetStatus):
            return status(position=open_position(position_id=f"p:{question.subscriber_id}"))
        return await super().known(question, answer)


async def test_on_a_real_broker_two_copies_open_one_for_each_who_wants_it(gateway, nats):
    people = range(1, 41)
    room = Crowd([subscriber(subscriber_id=one, chat_id=one) for one in people])
    async with (
        connect(nats, name="telegram") as gateway.bus,
        room.answering(gateway.bus),
        gateway_running(gateway) as rows,
        asyncio.TaskGroup() as group,
    ):
        copy = group.create_task(Opening(gateway.bus, rows, WORDS, gateway.clock).run())
        for one in people:
            fact = opened(f"p:{one}", subscriber_id=one, dashboard=one % 2 == 0)
            await gateway.bus.publish(catalogue.POSITION_OPENED, fact, one)
        await until(lambda: len(gateway.chat.bubbles) == len(people) // 2)
        copy.cancel()

    assert sorted(one.chat_id for one in gateway.chat.bubbles.values()) == [one for one in people if one % 2 == 0]


# --- many -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "look_s", "gap_s"), [(1, 1.0, 3.0), (21, 1.0, 3.0), (200, 1.0, 200 / 7), (10_000, 50.0, 10_000 / 7)]
)
def test_the_more_are_live_the_slower_each_moves(monkeypatch, live, look_s, gap_s):
    monkeypatch.setattr(dashboards, "GAP_S", 3.0)
    monkeypatch.setattr(dashboards, "CLAIM_S", 1.0)
    assert rhythm(live, 28.0) == Rhythm(look_s, pytest.approx(gap_s))


async def test_one_of_many_moves_slowly_and_still_ends_at_once(gateway, desk, monkeypatch):
    """Its next edit is an hour away; the end of its trade is not."""
    monkeypatch.setattr(dashboards, "rhythm", lambda *_: Rhythm(look_s=0.02, gap_s=3600.0))
    async with gateway_running(gateway) as rows:
        await gateway.bus.publish(catalogue.POSITION_OPENED, opened(), PERSON)
        await until_reads(gateway, "📟")
        looks = len(desk.asked)
        desk.status = msgspec.structs.replace(desk.status, bid=4000.0)
        await until(lambda: len(desk.asked) > looks + 3)
        edits = [one for one in gateway.bus.said(catalogue.SEND) if one.coalesce is not None]
        desk.status = status()
        await until_empty(rows)

    assert edits == []
    assert "Dashboard selesai" in read(gateway)[0]


# --- as a process -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def town(nats, postgres):
    settings = ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.1)
    async with TelegramApiServer(TOKEN, settings=settings) as server, aiohttp.ClientSession() as session:
        yield Town(nats, postgres, server, session)


@pytest.mark.timeout(300)
async def test_a_trade_that_opened_while_the_gateway_was_killed_has_its_dashboard_afterwards(town, nats):
    person = await town.people.join()
    room = PositionsRoom([subscriber(subscriber_id=person, chat_id=person)])
    room.status = status(position=open_position(position_id="p:1"))

    async def shows(*texts):
        found = [text for text in await town.texts(person) if "📟" in text or "Dashboard" in text]
        return len(found) == len(texts) and all(words in text for words, text in zip(texts, found, strict=True))

    async with connect(nats, name="positions") as bus, room.answering(bus):
        async with town.service() as first:
            await bus.publish(catalogue.POSITION_OPENED, opened("p:1", subscriber_id=person), person)
            await eventually(lambda: delivered(bus, person, ids.send_id("p:1", "dashboard")))
            assert await shows("📟")
            first.process.kill()
            await first.process.wait()
        room.status = status(position=open_position(position_id="p:2"))
        room.history = history(trades=(trade(2), trade(1)))
        await bus.publish(catalogue.POSITION_OPENED, opened("p:2", subscriber_id=person), person)
        async with town.service():
            await eventually(lambda: shows("Dashboard selesai", "📟"))
            room.status = status()
            await eventually(lambda: shows("Dashboard selesai", "Dashboard selesai"))
