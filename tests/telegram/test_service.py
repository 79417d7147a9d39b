"""The service as a process: a real broker, a real database, a real Bot API server; killed and stopped for real."""

import asyncio
import os
import re
import signal
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest

from chassis.nats_bus import connect
from contracts import catalogue
from contracts.messages import DeliveryState
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from services.telegram.settings import TelegramSettings
from tests.shared import ROOT
from tests.telegram.builders import send
from tests.telegram.positions_room import PositionsRoom
from tests.telegram.test_chat_contract import TOKEN, People

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
START_S = 90.0
LONG_POLL_S = TelegramSettings.model_fields["poll_s"].default


class Service:
    """One process of the room, and what it wrote."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self.port = None

    async def read(self):
        async for line in self.process.stdout:
            text = line.decode()
            self.lines.append(text)
            if '"service.started"' in text:
                self.port = int(re.search(r'"port": (\d+)', text)[1])

    async def ready(self, session):
        """Ask /readyz: (is it ready, what it says)."""
        if self.port is None:
            return False, None
        try:
            async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                return answer.status == 200, await answer.json()
        except aiohttp.ClientError:
            return False, None


async def eventually(holds, within_s=60.0):
    """Wait until an async condition returns something true, and return it."""
    async with asyncio.timeout(within_s):
        while not (found := await holds()):  # what another process does rings no event here
            await asyncio.sleep(0.05)
        return found


class Town:
    """Everything around the service."""

    def __init__(self, nats, postgres, server, session):
        self.people = People(server.url, session)
        self.session = session
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SINYAL_")},
            "SINYAL_NATS_URL": nats,
            "SINYAL_DATABASE_URL": postgres,
            "SINYAL_TELEGRAM_TOKEN": TOKEN,
            "SINYAL_TELEGRAM_API_URL": server.url,
        }

    @asynccontextmanager
    async def service(self):
        """Run the service until it is ready; leaving kills what is left of it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.telegram", cwd=ROOT, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        service = Service(process)
        reading = asyncio.ensure_future(service.read())
        try:
            await eventually(lambda: self._is_ready(service), START_S)
            yield service
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading

    async def _is_ready(self, service):
        assert service.process.returncode is None, service.lines
        return (await service.ready(self.session))[0]

    async def texts(self, chat_id):
        return [one.get("text") or one.get("caption") for one in await self.people.messages(chat_id)]


@pytest.fixture
async def town(nats, postgres):
    settings = ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.1)
    async with TelegramApiServer(TOKEN, settings=settings) as server, aiohttp.ClientSession() as session:
        yield Town(nats, postgres, server, session)


async def test_a_person_talks_and_a_killed_call_is_repeated_once_with_a_mark(town, nats):
    room = PositionsRoom()
    async with connect(nats, name="positions") as bus, room.answering(bus):
        person = await town.people.join()
        signal_message = send(person, at=datetime.now(UTC), id="m:signal:p:killed")
        async with town.service() as first:
            await town.people.post(f"chats/{person}/text", {"text": "/start"})
            await eventually(lambda: has(town, person, "Selamat datang"))
            await town.people.post("faults", {"kind": "error", "code": 500, "method": "sendMessage", "count": 2})
            await town.people.post("faults", {"kind": "timeout", "method": "sendMessage"})
            await bus.publish(catalogue.SEND, signal_message, "signal", person)
            await eventually(lambda: has(town, person, "BUY XAUUSD"))
            first.process.kill()
            await first.process.wait()
        async with town.service() as second:
            await eventually(lambda: has(town, person, "Ulang"), 60)
            settled = await eventually(lambda: delivered(bus, person, signal_message.id))
            asked_at = time.monotonic()
            second.process.send_signal(signal.SIGTERM)
            assert await second.process.wait() == 0
            assert time.monotonic() - asked_at < LONG_POLL_S / 2  # it does not wait for its question to Telegram

    shown = [text for text in await town.texts(person) if "BUY XAUUSD" in text]
    assert ["Ulang" in text for text in shown] == [False, True]
    assert settled.attempts == 4
    assert TOKEN not in "".join(first.lines + second.lines)


async def delivered(bus, person, message_id):
    """What the gateway told of one message; of the others it may have told before."""
    told = await bus.latest(catalogue.DELIVERY, DeliveryState.DELIVERED, person, count=5)
    return next((one for one in told if one.id == f"{message_id}:delivered"), None)


async def has(town, person, words):
    return any(words in (text or "") for text in await town.texts(person))


async def test_a_refused_token_is_not_ready_and_says_which_setting(town, nats):
    await town.people.post("faults", {"kind": "error", "code": 401, "description": "Unauthorized", "count": None})
    town._is_ready = lambda service: troubled(town, service)
    async with town.service() as service:
        _, report = await service.ready(town.session)
        service.process.send_signal(signal.SIGTERM)
        assert await service.process.wait() == 0

    assert "SINYAL_TELEGRAM_TOKEN" in report["checks"]["receiver"]["reason"]


@pytest.mark.alone
async def test_s20_a_process_whose_webhook_is_refused_polls_within_ten_seconds_and_says_so(town, nats, port):
    town.environment |= {
        "SINYAL_TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{port}/hook",
        "SINYAL_TELEGRAM_WEBHOOK_PORT": str(port),
        "SINYAL_TELEGRAM_WEBHOOK_RETRY_S": "2",
    }
    refusal = {"kind": "error", "code": 400, "description": "Bad Request: bad webhook", "count": None}
    await town.people.post("faults", {**refusal, "method": "setWebhook"})
    person = await town.people.join()
    await town.people.post(f"chats/{person}/text", {"text": "/start"})
    async with connect(nats, name="positions") as bus, PositionsRoom().answering(bus), town.service() as service:
        started_at = time.monotonic()
        fallback = await eventually(lambda: receives_by(town, service, "polling"))
        assert time.monotonic() - started_at < 10
        assert "Bad Request: bad webhook" in fallback["webhook"]
        await eventually(lambda: has(town, person, "Selamat datang"))
        assert 'sinyal_receiver_mode{mode="polling"} 1.0' in await metrics_of(town, service)

        async with town.session.delete(f"{town.people.url}/sandbox/faults"):
            pass
        assert "webhook" not in await eventually(lambda: receives_by(town, service, "webhook"))
        await town.people.post(f"chats/{person}/text", {"text": "/help"})
        await eventually(lambda: has(town, person, "/posisi"))
        assert 'sinyal_webhook_pushes_total{outcome="stored"} 1.0' in await metrics_of(town, service)
        service.process.send_signal(signal.SIGTERM)
        assert await service.process.wait() == 0

    assert TOKEN not in "".join(service.lines)


async def receives_by(town, service, mode):
    is_ready, report = await service.ready(town.session)
    found = (report or {"checks": {}})["checks"].get("receiver", {})
    return found if is_ready and found.get("mode") == mode else None


async def metrics_of(town, service):
    async with town.session.get(f"http://127.0.0.1:{service.port}/metrics") as answer:
        return await answer.text()


async def troubled(town, service):
    assert service.process.returncode is None, service.lines
    _, report = await service.ready(town.session)
    return report is not None and "refused" in report["checks"].get("receiver", {}).get("reason", "")
