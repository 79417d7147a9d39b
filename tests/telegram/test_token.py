"""X13: whatever goes wrong, the bot's token is written nowhere: no log, metric, health report, message, row or file."""

from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import psycopg
import pytest
from psycopg import sql

from chassis.nats_bus import connect
from contracts import catalogue
from contracts.messages import DeliveryState, SendClass
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from tests.sandbox.telegram_api.bot import png
from tests.telegram.builders import send, text
from tests.telegram.storm import CHART
from tests.telegram.test_chat_contract import TOKEN
from tests.telegram.test_service import Town, eventually

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(300)]
SECRET = TOKEN.partition(":")[2]
FAULTS = (
    {"kind": "error", "code": 500, "description": "Internal Server Error"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "html_502"},
    {"kind": "garbage"},
    {"kind": "truncated"},
    {"kind": "wrong_shape"},
    {"kind": "retry_after", "seconds": 1},
    {"kind": "error", "code": 401, "description": "Unauthorized"},
    {"kind": "error", "code": 400, "description": f"Bad Request: https://api/bot{TOKEN}/sendMessage is odd"},
)


@pytest.fixture
async def town(own_nats_server, postgres):
    settings = ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.1)
    async with TelegramApiServer(TOKEN, settings=settings) as server, aiohttp.ClientSession() as session:
        town = Town(own_nats_server.url, postgres, server, session)
        town.environment |= {"SINYAL_LOG_LEVEL": "DEBUG"}
        town.nats, town.postgres, town.server = own_nats_server, postgres, server
        yield town


async def page(town, service, path):
    async with town.session.get(f"http://127.0.0.1:{service.port}/{path}") as answer:
        return await answer.text()


async def go_through_everything(town, bus):
    """Let every fault befall a send of its own, and people talk; returns when all has ended."""
    people = [await town.people.join() for _ in FAULTS]
    await bus.put(catalogue.CHART_PICTURES, CHART, png())
    for person, fault in zip(people, FAULTS, strict=True):
        await town.people.post("faults", {**fault, "chat_id": person})
        more = {"at": datetime.now(UTC), "id": f"m:signal:{person}", "chart_key": CHART}
        await bus.publish(catalogue.SEND, send(person, **more), "signal", person)
    bad = send(people[0], text("<blink>"), SendClass.REPLY, id="m:bad")
    await bus.publish(catalogue.SEND, bad, "reply", people[0])
    await town.people.post("updates", {"message": {"surprise": True}})
    await town.people.post(f"chats/{people[0]}/text", {"text": f"my token is not {TOKEN[:9]}"})
    await eventually(lambda: nothing_waits(bus), 120)


async def nothing_waits(bus):
    return await bus.next_stored(catalogue.SEND, None, None) is None


def files_of(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


async def test_x13_the_token_is_in_nothing_that_a_full_run_wrote(town):
    async with connect(town.nats.url, name="positions") as bus:
        async with town.service() as service:
            await go_through_everything(town, bus)
            written = {"readyz": await page(town, service, "readyz"), "metrics": await page(town, service, "metrics")}
            service.process.kill()  # a crash writes what it writes
            await service.process.wait()
        async with town.service() as second:
            written["readyz after a crash"] = await page(town, second, "readyz")
            second.process.terminate()
            await second.process.wait()
        dead = await bus.latest(catalogue.DELIVERY, DeliveryState.DEAD.value, await_bad(town))
    dump = await dumped(town.postgres)
    town.nats.kill()  # its files change no more
    written |= {"log": "".join(service.lines), "second log": "".join(second.lines), "database": dump}
    written |= {str(path): path.read_bytes().decode("latin-1") for path in files_of(town.nats._folder)}

    assert '"send.settled"' in written["log"]
    assert "sinyal_api_calls_total" in written["metrics"]
    assert "telegram.delivery" in dump
    assert dead[-1].reason.endswith("is odd")
    assert [where for where, what in written.items() if SECRET in what] == []


def await_bad(town):
    """Find the person whose call was refused with the token in the words of the refusal."""
    entries = town.server.journal.entries()
    return next(one.chat_id for one in entries if one.error_code == 400 and "is odd" in (one.description or ""))


async def dumped(url):
    """Write every row of every table down as text."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        tables = (
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        )
        lines = []
        for schema, table in await (await connection.execute(tables)).fetchall():
            name = sql.Identifier(schema, table)
            rows = await connection.execute(sql.SQL("select one::text from {} as one").format(name))
            lines += [f"{schema}.{table} {row}" for (row,) in await rows.fetchall()]
        return "\n".join(lines)
