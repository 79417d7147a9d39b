"""Updates that are pushed: from a real Bot API server to a real endpoint, and by polling while that does not work."""

import asyncio
import json
import random
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

from chassis.clock import SystemClock
from chassis.errors import StartError, TransientError
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings, WebhookSettings
from services.telegram.adapters import aiohttp_endpoint as endpoints
from services.telegram.adapters.aiohttp_endpoint import SECRET_HEADER, Endpoint, open_endpoint
from services.telegram.adapters.aiohttp_updates import open_updates
from services.telegram.handlers import receiver as receiving
from services.telegram.handlers.receiver import Hook, Mode, Receiver
from services.telegram.handlers.updates import UpdateWorker
from services.telegram.ports import PollRefusedError, WebhookRefusedError
from tests.telegram.gateway import a_gate, until
from tests.telegram.test_chat_contract import TOKEN, People

SECRET = "a-secret-of-sixteen"
REFUSAL = {"kind": "error", "code": 400, "description": "Bad Request: bad webhook: Connection refused"}


class Listener:
    """A dialogue that writes down whose words it was fed, in order."""

    def __init__(self):
        self.heard = []

    async def feed(self, raw, trace):
        message = json.loads(raw)["message"]
        self.heard.append((message["chat"]["id"], message["text"]))


class Copy:
    """One copy of the receiving half: endpoint, receiver, worker."""

    def __init__(self, bus, source, port, retry_s=0.5):
        self.bus, self.port = bus, port
        self.url = f"http://127.0.0.1:{port}/hook"
        self.receiver = Receiver(bus, source, SystemClock(), Hook(source, self.url, SECRET, retry_s))
        self.listener = Listener()

    def endpoint(self):
        handler = Endpoint(SECRET, self.receiver.intake.take_pushed)
        return open_endpoint("127.0.0.1", self.port, "/hook", handler, setting="PORT")

    @asynccontextmanager
    async def running(self):
        stop = asyncio.Event()
        worker = UpdateWorker(self.bus, self.listener, SystemClock(), a_gate())
        async with asyncio.TaskGroup() as group:
            group.create_task(self.receiver.run(stop))
            group.create_task(worker.run(stop))
            try:
                yield self
            finally:
                stop.set()

    async def until_mode(self, mode, within_s=60.0):
        await until(lambda: self.receiver.mode is mode and not self.receiver.trouble, within_s)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(receiving, "LOOK_S", 0.1)
    monkeypatch.setattr(receiving, "CONFLICT_S", 0.1)


@pytest.fixture
async def server():
    webhook = WebhookSettings(first_delay_s=0.05, longest_delay_s=0.2)
    settings = ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.05, webhook=webhook)
    async with TelegramApiServer(TOKEN, settings=settings) as running:
        yield running


@pytest.fixture
async def people(server):
    async with aiohttp.ClientSession() as session:
        yield People(server.url, session)


@pytest.fixture
async def source(server):
    async with open_updates(TOKEN, server.url, 2) as updates:
        yield updates


@pytest.fixture
def bus():
    return MemoryBus(SystemClock())


async def write(people, person, *texts):
    for text in texts:
        await people.post(f"chats/{person}/text", {"text": text})


async def push(port, body, secret=SECRET, **headers):
    given = {**({SECRET_HEADER: secret} if secret is not None else {}), **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/hook", data=body, headers=given) as response,
    ):
        return response.status


def update(number, text="hi"):
    return json.dumps({"update_id": number, "message": {"chat": {"id": 7}, "text": text}}).encode()


# --- the endpoint -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def door(bus):
    """An endpoint alone; gives its port."""
    intake = Receiver(bus, None, SystemClock()).intake
    async with open_endpoint("127.0.0.1", 0, "/hook", Endpoint(SECRET, intake.take_pushed), setting="PORT") as port:
        yield port


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper(), "sécret", "\udcff"])
async def test_x13_a_forged_webhook_is_refused_and_nothing_is_stored(bus, door, secret):
    trusted = {"X-Forwarded-For": "149.154.167.220", "X-Real-IP": "149.154.167.220", "Forwarded": "for=149.154.167.220"}

    assert await push(door, update(1), secret, **trusted) == 401
    assert bus.said(catalogue.UPDATE) == []


async def test_x13_a_forged_webhook_is_refused_before_its_body_is_read(door):
    assert await push(door, b"x" * (3 * endpoints.MOST_BYTES), "wrong") == 401


async def test_an_update_is_stored_before_it_is_confirmed(bus, door):
    bus.cut()
    assert await push(door, update(1)) == 503
    bus.mend()
    assert await push(door, update(1)) == 200
    assert await push(door, update(1)) == 200
    assert [one.update_id for one in bus.said(catalogue.UPDATE)] == [1]


async def test_a_body_that_is_too_large_is_refused(bus, door):
    assert await push(door, b"x" * (endpoints.MOST_BYTES + 1)) == 413
    assert bus.said(catalogue.UPDATE) == []


@pytest.mark.parametrize("body", [b"", b"garbage", b"[]", b'{"update_id": "1"}', b"\xff"])
async def test_what_can_never_be_kept_is_confirmed_so_that_it_blocks_nobody(bus, door, body):
    assert await push(door, body) == 200
    assert await push(door, update(2)) == 200
    assert [one.update_id for one in bus.said(catalogue.UPDATE)] == [2]


async def test_a_caller_who_hands_over_slowly_is_sent_away(door, monkeypatch):
    monkeypatch.setattr(endpoints, "READ_WITHIN_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", door)
    head = f"POST /hook HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: {SECRET}\r\nContent-Length: 100\r\n\r\n{{"
    writer.write(head.encode())

    assert b" 408 " in await asyncio.wait_for(reader.readline(), 60)
    writer.close()


async def test_other_paths_and_methods_lead_nowhere(door):
    async with aiohttp.ClientSession(headers={SECRET_HEADER: SECRET}) as session:
        async with session.post(f"http://127.0.0.1:{door}/other", data=b"{}") as response:
            assert response.status == 404
        async with session.get(f"http://127.0.0.1:{door}/hook") as response:
            assert response.status == 405


async def test_a_busy_port_stops_the_start_and_names_its_setting(door):
    with pytest.raises(StartError, match=f"PORT: 127.0.0.1:{door}"):
        async with open_endpoint("127.0.0.1", door, "/hook", Endpoint(SECRET, None), setting="PORT"):
            pass


# --- setting it -------------------------------------------------------------------------------------------------------


async def test_the_server_tells_what_it_thinks_of_the_webhook(server, source, people, bus, port):
    copy = Copy(bus, source, port)
    async with copy.endpoint():
        await source.set_webhook(copy.url, SECRET)
    person = await people.join()
    await write(people, person, "nobody listens")

    async def failed():
        state = await source.webhook_state()
        return state if state.last_error_at is not None else None

    state = None
    async with asyncio.timeout(60):
        while state is None:
            state = await failed()
    assert (state.url, state.pending) == (copy.url, 1)
    assert "refused" in state.last_error
    await source.delete_webhook()
    await source.delete_webhook()
    assert (await source.webhook_state()).url == ""


async def test_what_the_server_says_no_to_is_told_apart(server, source, people):
    with pytest.raises(WebhookRefusedError, match="HTTPS"):
        await source.set_webhook("http://bot.example.org/hook", SECRET)
    await people.post("faults", {"kind": "error", "code": 401, "description": "Unauthorized"})
    with pytest.raises(PollRefusedError):
        await source.set_webhook("http://127.0.0.1:9/hook", SECRET)
    await people.post("faults", {"kind": "garbage", "method": "getWebhookInfo"})
    with pytest.raises(TransientError) as failed:
        await source.webhook_state()
    assert TOKEN not in f"{failed.value!r} {failed.value.__cause__!r}"


# --- falling back and coming back -------------------------------------------------------------------------------------


async def test_updates_are_pushed_while_the_webhook_works(server, source, people, bus, port):
    person, copy = await people.join(), Copy(bus, source, port)
    async with copy.endpoint(), copy.running():
        await copy.until_mode(Mode.WEBHOOK)
        await write(people, person, "a", "b", "c")
        await until(lambda: len(copy.listener.heard) == 3)

    assert [text for _, text in copy.listener.heard] == ["a", "b", "c"]
    assert not [entry for entry in server.journal.entries() if entry.method == "getUpdates"]


@pytest.mark.alone
async def test_s20_a_refused_webhook_is_polling_within_ten_seconds_and_a_webhook_again_later(
    server, source, people, bus, port
):
    person, copy = await people.join(), Copy(bus, source, port)
    await people.post("faults", {**REFUSAL, "method": "setWebhook", "count": None})
    await write(people, person, "sent while nobody was there")
    async with copy.endpoint(), copy.running():
        started = time.monotonic()
        await copy.until_mode(Mode.POLLING)
        await until(lambda: len(copy.listener.heard) == 1)
        assert time.monotonic() - started < 10
        assert copy.receiver.fallback.startswith("refused: 400")
        await write(people, person, "by poll")
        await until(lambda: len(copy.listener.heard) == 2)

        await clear_faults(people)
        await copy.until_mode(Mode.WEBHOOK)
        assert copy.receiver.fallback == ""
        await write(people, person, "by push")
        await until(lambda: len(copy.listener.heard) == 3)

    assert [text for _, text in copy.listener.heard] == ["sent while nobody was there", "by poll", "by push"]
    numbers = [one.update_id for one in bus.said(catalogue.UPDATE)]
    assert len(set(numbers)) == len(numbers) == 3


async def clear_faults(people):
    async with people.session.delete(f"{people.url}/sandbox/faults") as response:
        assert response.status == 200


async def test_s20_a_webhook_that_stops_working_loses_and_doubles_nothing(server, source, people, bus, port):
    person, copy = await people.join(), Copy(bus, source, port)
    async with copy.running():
        async with copy.endpoint():
            await copy.until_mode(Mode.WEBHOOK)
            await write(people, person, "1")
            await until(lambda: len(copy.listener.heard) == 1)
        await write(people, person, "2", "3")
        await copy.until_mode(Mode.POLLING)
        await until(lambda: len(copy.listener.heard) == 3)
        assert "refused" in copy.receiver.fallback
        async with copy.endpoint():
            await copy.until_mode(Mode.WEBHOOK)
            await write(people, person, "4")
            await until(lambda: len(copy.listener.heard) == 4)

    assert [text for _, text in copy.listener.heard] == ["1", "2", "3", "4"]


async def test_s20_many_people_talk_through_many_changes_and_each_is_heard_once_in_order(
    server, source, people, bus, port
):
    persons = [await people.join() for _ in range(5)]
    copy = Copy(bus, source, port, retry_s=0.2)
    chance = random.Random(20)
    async with copy.running():
        for round_ in range(6):
            if round_ % 2:
                await copy.until_mode(Mode.POLLING)
                await talk(people, persons, round_, chance)
            else:
                async with copy.endpoint():
                    await copy.until_mode(Mode.WEBHOOK)
                    await talk(people, persons, round_, chance)
                await talk(people, persons, round_ + 100, chance)
        await until(lambda: len(copy.listener.heard) == 5 * 4 * 9)

    for person in persons:
        heard = [text for chat, text in copy.listener.heard if chat == person]
        rounds = [0, 100, 1, 2, 102, 3, 4, 104, 5]
        assert heard == [f"{one}.{number}" for one in rounds for number in range(4)]


async def talk(people, persons, round_, chance):
    for number in range(4):
        for person in chance.sample(persons, len(persons)):
            await write(people, person, f"{round_}.{number}")


async def test_a_webhook_that_somebody_takes_away_is_noticed(server, source, people, bus, port):
    person, copy = await people.join(), Copy(bus, source, port)
    async with copy.endpoint(), copy.running():
        await copy.until_mode(Mode.WEBHOOK)
        await source.delete_webhook()
        await until(lambda: copy.receiver.fallback != "")
        assert "took the webhook away" in copy.receiver.fallback
        await copy.until_mode(Mode.WEBHOOK)
        await write(people, person, "still here")
        await until(lambda: copy.listener.heard)


async def test_a_copy_that_polls_leaves_to_the_copy_whose_webhook_works(server, source, people, bus, port):
    person, copy = await people.join(), Copy(bus, source, port, retry_s=300)
    await people.post("faults", {**REFUSAL, "method": "setWebhook", "count": None})
    async with copy.endpoint(), copy.running():
        await copy.until_mode(Mode.POLLING)
        await clear_faults(people)
        await source.set_webhook(copy.url, SECRET)  # as the other copy does
        await copy.until_mode(Mode.WEBHOOK)
        await write(people, person, "hi")
        await until(lambda: copy.listener.heard)


async def test_a_webhook_that_was_left_behind_is_taken_away_where_none_is_wanted(server, source, people, bus, port):
    left_behind = Copy(bus, source, port)
    async with left_behind.endpoint():
        await source.set_webhook(left_behind.url, SECRET)
    person, copy = await people.join(), Copy(bus, source, port)
    copy.receiver = Receiver(bus, source, SystemClock(), Hook(source))
    async with copy.running():
        await write(people, person, "hi")
        await until(lambda: copy.listener.heard)
    assert copy.receiver.fallback == ""


async def test_while_the_broker_is_away_the_webhook_stays_and_nothing_is_lost(server, source, people, bus, port):
    person, copy = await people.join(), Copy(bus, source, port)
    async with copy.endpoint(), copy.running():
        await copy.until_mode(Mode.WEBHOOK)
        bus.cut()
        await write(people, person, "wait for me")
        await until(lambda: server.world.webhook.last_error is not None)
        await asyncio.sleep(5 * receiving.LOOK_S)  # many looks, each of which finds an error of ours
        assert copy.receiver.mode is Mode.WEBHOOK
        bus.mend()
        await until(lambda: copy.listener.heard)
