"""S6 at the gateway: its database is frozen, gone or full. Nothing is lost or doubled, and nobody is left wordless."""

import asyncio
import re
import signal
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import psycopg
import pytest

from chassis.database import apply_migrations
from chassis.nats_bus import connect
from contracts import catalogue
from contracts.messages import SendClass
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import ServerSettings
from tests.positions.test_breaker import LAG_S, beats, beside
from tests.telegram.builders import outcome_notice, send, soon
from tests.telegram.positions_room import PositionsRoom
from tests.telegram.test_chat_contract import TOKEN
from tests.telegram.test_service import Town, eventually

pytestmark = pytest.mark.real

HEARD = "Pesanmu sudah diterima"
STATUS, DASHBOARD, REPEAT = "Tidak ada posisi XAUUSD", "Langsung", "Ulang"
SIGNAL, OUTCOME = "BUY XAUUSD · Otomatis", "Target tercapai"
COMPOSE_WAITS_S = 15.0
"""How long a container has to stop before it is killed (docker-compose.yml)."""
SLOW_ANSWERS = 150
"""Seconds: what a test of this file takes at most on a machine that is busy with others."""


class House:
    """A gateway as a process, people in front of it, and a database that can be stopped."""

    def __init__(self, town, service, bus, server):
        self.town, self.service, self.bus, self.server = town, service, bus, server
        self.people = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.service.port}"

    async def join(self, count):
        """Let people come and press start."""
        self.people = [await self.town.people.join() for _ in range(count)]
        for person in self.people:
            await self.type(person, "/start")
        for person in self.people:
            await self.until_told(person, "Selamat datang")
        await eventually(self.is_idle)

    async def is_idle(self):
        """Tell whether all that was said and sent has been settled: what a person reads is settled a little later."""
        return [await self.kept(stream) for stream in ("UPDATES", "SENDS")] == [0, 0]

    async def type(self, person, words):
        await self.town.people.post(f"chats/{person}/text", {"text": words})

    async def until_told(self, person, words):
        async def is_told():
            return any(words in one for one in await self.told(person))

        await eventually(is_told)

    async def told(self, person):
        """List what the bot said in a chat, oldest first."""
        shown = await self.town.people.messages(person)
        return [one.get("text") or one.get("caption") or "" for one in shown if one["from"]["is_bot"]]

    async def say(self, person, name, kind, content):
        message = send(
            person, content, kind, id=f"m:{name}:p:{person}", at=datetime.now(UTC), expires_at=soon(SLOW_ANSWERS)
        )
        await self.bus.publish(catalogue.SEND, message, kind.value, person)

    async def until_database(self, *, ready):
        """Wait until /readyz says so of the database; returns the answer's status and reason."""

        async def says():
            is_ready, report = await self.service.ready(self.town.session)
            found = (report or {"checks": {}})["checks"].get("database")
            return (is_ready, found.get("reason", "")) if found and found["ready"] is ready else None

        return await eventually(says)

    async def is_alive(self):
        async with self.town.session.get(f"{self.address}/livez") as answer:
            return answer.status == 200

    async def counted(self, name):
        """Sum a counter of the gateway over its labels."""
        async with self.town.session.get(f"{self.address}/metrics") as answer:
            found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", await answer.text(), re.MULTILINE)
        return sum(map(float, found))

    async def kept(self, stream):
        """Count what a stream holds."""
        return (await self.bus.link.call(f"STREAM.INFO.{stream}"))["state"]["messages"]

    async def until_kept(self, stream, count):
        """Wait until a stream holds so many: one word of patience may answer the first of two questions."""

        async def holds():
            return await self.kept(stream) >= count

        await eventually(holds)

    async def consumer(self, consumer):
        return await self.bus.link.call(f"CONSUMER.INFO.{consumer.stream}.{consumer.name}")


@asynccontextmanager
async def a_house(nats, server):
    url = server.cluster.url
    await apply_migrations(url)
    async with (
        TelegramApiServer(TOKEN, settings=ServerSettings(conflict_delay_s=0.1)) as api,
        aiohttp.ClientSession() as session,
        connect(nats, name="positions") as bus,
        PositionsRoom().answering(bus),
    ):
        town = Town(nats, url, api, session)
        async with town.service() as service:
            yield House(town, service, bus, server)


@pytest.fixture
async def house(nats, own_postgres_server):
    async with a_house(nats, own_postgres_server) as house:
        yield house


async def trade(house):
    """Say a signal and its outcome to everybody."""
    for person in house.people:
        await house.say(person, "signal", SendClass.SIGNAL, None)
        await house.say(person, "exit", SendClass.EXIT, outcome_notice())


def kinds_of(told):
    """Tell signals (s), outcomes (o), words of patience (p), statuses (t) and dashboards (d) apart, in order."""
    marks = {REPEAT: "R", SIGNAL: "s", OUTCOME: "o", HEARD: "p", DASHBOARD: "d", STATUS: "t"}
    return "".join(next((mark for words, mark in marks.items() if words in one), "") for one in told)


@pytest.mark.alone
@pytest.mark.timeout(SLOW_ANSWERS)
async def test_s6_a_frozen_database_loses_nothing_doubles_nothing_and_people_are_told(house):
    await house.join(4)
    counted, late = await beats(house.address)
    async with beside() as lags:
        with house.server.frozen():
            await trade(house)
            is_ready, reason = await house.until_database(ready=False)
            assert await house.is_alive()
            for person in house.people[:2]:
                await house.type(person, "/status")
                await house.type(person, "/dashboard")
                await house.until_told(person, HEARD)
            await house.until_kept("UPDATES", 4)
            kept = [await house.kept(stream) for stream in ("UPDATES", "SENDS")]
        for person in house.people:
            await house.until_told(person, OUTCOME)
        for person in house.people[:2]:
            await house.until_told(person, DASHBOARD)
        await house.until_database(ready=True)
        now_counted, now_late = await beats(house.address)
    told = [kinds_of(await house.told(person)) for person in house.people]

    assert (is_ready, "does not answer" in reason) == (False, True)
    assert kept == [4, 8]
    assert told == ["psotd", "psotd", "so", "so"]
    assert await house.counted("sinyal_retried_total") == 0
    assert await house.counted("sinyal_dead_total") == 0
    assert (await house.consumer(catalogue.TELEGRAM_SENDS))["num_redelivered"] == 0
    allowed = max((now_counted - counted) / 100, 2 * sum(lag > LAG_S for lag in lags))
    assert now_late - late <= allowed, f"{now_late - late} of {now_counted - counted} beats were late"


@pytest.mark.timeout(SLOW_ANSWERS)
async def test_s6_a_database_that_is_restarted_loses_nothing_doubles_nothing_and_keeps_the_order(house):
    await house.join(3)
    await trade(house)  # under way when it goes
    house.server.stop()
    is_ready, _ = await house.until_database(ready=False)
    assert await house.is_alive()
    await house.type(house.people[0], "/status")
    await house.until_told(house.people[0], HEARD)
    house.server.start()
    for person in house.people:
        await house.until_told(person, OUTCOME)
    await house.until_told(house.people[0], STATUS)
    told = [kinds_of(await house.told(person)) for person in house.people]

    assert is_ready is False
    assert [one.replace("p", "") for one in told] == ["sot", "so", "so"]
    assert await house.counted("sinyal_dead_total") == 0


@pytest.mark.alone
@pytest.mark.timeout(SLOW_ANSWERS)
async def test_s6_a_stop_beside_a_frozen_database_ends_in_time_and_the_next_copy_sends_it_all(house):
    await house.join(2)
    with house.server.frozen():
        await trade(house)
        await house.until_database(ready=False)
        house.service.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(COMPOSE_WAITS_S):
            await house.service.process.wait()
    async with house.town.service():
        for person in house.people:
            await house.until_told(person, OUTCOME)
        told = [kinds_of(await house.told(person)) for person in house.people]

    assert [one.replace("p", "") for one in told] == ["so", "so"]


FULL = """
    create function telegram.full_disk() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert or update on telegram.delivery
    for each row execute function telegram.full_disk();
"""


@pytest.mark.timeout(SLOW_ANSWERS)
async def test_s6_a_full_disk_is_said_and_sends_wait_for_room(house):
    await house.join(2)
    async with await psycopg.AsyncConnection.connect(house.server.cluster.url, autocommit=True) as admin:
        await admin.execute(FULL)
        await trade(house)
        _, reason = await house.until_database(ready=False)
        await house.type(house.people[0], "/status")
        await house.until_told(house.people[0], HEARD)
        before = [kinds_of(await house.told(person)) for person in house.people]
        await admin.execute("drop trigger full_disk on telegram.delivery")
        for person in house.people:
            await house.until_told(person, OUTCOME)
        await house.until_told(house.people[0], STATUS)
        after = [kinds_of(await house.told(person)) for person in house.people]

    assert "full" in reason
    assert before == ["p", ""]
    assert after == ["psot", "so"]
    assert await house.counted("sinyal_dead_total") == 0
