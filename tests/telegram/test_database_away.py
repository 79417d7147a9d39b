"""The parts of the gateway that hold their work while the database is away."""

import asyncio
import json

import pytest

from chassis.dead_letters import redrive
from chassis.errors import DatabaseAwayError
from chassis.memory_bus import MemoryDelivery
from contracts import catalogue
from contracts.messages import DeliveryState, SendClass
from services.telegram.domain.attempt import Call
from services.telegram.domain.updates import Voice, voice
from services.telegram.handlers.intake import Intake
from services.telegram.handlers.regrets import Regrets
from services.telegram.handlers.turnstile import Turnstile
from services.telegram.handlers.updates import UpdateWorker
from tests.telegram.builders import WORDS, outcome_notice, send, text
from tests.telegram.fake_chat import Trouble, said
from tests.telegram.gateway import FAST, a_gate, until
from tests.telegram.test_abandoned import collecting, give_up_on

pytestmark = pytest.mark.real

AWAY = DatabaseAwayError("database: the connection is lost")


def lose(breaker):
    """Let a breaker nobody runs be open, as two unanswered questions do."""
    breaker._count(2)


def find(breaker):
    """Close it, as an answer does."""
    breaker._count(0)


# --- what a call's beginning says -------------------------------------------------------------------------------------


@pytest.fixture
def lost_answer(gateway):
    """The first beginning is written, and nobody hears of it; returns the calls that were begun."""
    begin, begun = gateway.deliveries.begin, []

    async def written_unheard(message, call):
        is_begun = await begin(message, call)
        begun.append(call)
        if len(begun) == 1:
            raise AWAY
        return is_begun

    gateway.deliveries.begin = written_unheard
    return begun


@pytest.mark.parametrize(
    ("kind", "content"), [(SendClass.SIGNAL, None), (SendClass.EXIT, outcome_notice()), (SendClass.REPLY, text())]
)
async def test_a_call_that_was_begun_unheard_and_never_made_is_made_once_without_a_mark(
    gateway, monkeypatch, lost_answer, kind, content
):
    monkeypatch.setattr("services.telegram.handlers.sender.AWAY_S", 0.02)
    async with gateway.running():
        await gateway.say(send(7, content, kind))
        settled = await gateway.until_settled("m:signal:p:7")

    assert lost_answer == [Call(1), Call(2)]
    assert settled.state is DeliveryState.DELIVERED
    assert [("Ulang" in bubble.shown.html) for bubble in gateway.chat.of(7)] == [False]


async def test_a_send_that_expires_behind_an_unheard_beginning_was_read_by_nobody(gateway, monkeypatch, lost_answer):
    monkeypatch.setattr("services.telegram.handlers.sender.AWAY_S", 0.02)
    async with gateway.running() as sender:
        monkeypatch.setattr(sender, "_is_expired", lambda _send: bool(lost_answer))
        await gateway.say(send(7))
        settled = await gateway.until_settled("m:signal:p:7")

    assert settled.state is DeliveryState.EXPIRED
    assert gateway.chat.of(7) == []


async def test_the_beginning_of_another_copy_is_not_taken_for_ours(gateway):
    message = send(7)
    await type(gateway.deliveries)(gateway.pool).begin(message, Call(1))

    assert await gateway.deliveries.is_ours(message.id, Call(1)) is False
    assert await gateway.deliveries.begin(message, Call(2)) is True
    assert await gateway.deliveries.is_ours(message.id, Call(1)) is False
    assert await gateway.deliveries.is_ours(message.id, Call(2)) is True


# --- sends ------------------------------------------------------------------------------------------------------------


async def test_a_redrive_that_finds_the_database_away_is_not_forgotten(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.sender.AWAY_S", 0.02)
    gateway.chat.troubles = [Trouble(said(400, "Bad Request: something new"))]
    revive, failures = gateway.deliveries.revive, 2

    async def away(send_id):
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise AWAY
        await revive(send_id)

    gateway.deliveries.revive = away
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        assert (await gateway.until_settled(message.id)).state is DeliveryState.DEAD
        await gateway.until_idle()
        await redrive(gateway.bus, gateway.dead()[0], 1)
        settled = await gateway.until_settled(message.id, 2)

    assert settled.state is DeliveryState.DELIVERED
    assert len(gateway.chat.of(7)) == 1


async def test_an_end_that_cannot_be_written_now_is_kept_in_hand(gateway, monkeypatch):
    """Given back each time, a send would be dead after fifty deliveries: less than half an hour."""
    monkeypatch.setattr("services.telegram.handlers.sender.AWAY_S", 0.01)
    handed_back, settle, failures = [], gateway.deliveries.settle, 60

    async def nak(delivery, delay_s):
        handed_back.append((delivery, delay_s))

    async def away(message, row):
        nonlocal failures
        if row.reason == "not drawn in time" and failures:
            failures -= 1
            raise AWAY
        return await settle(message, row)

    gateway.deliveries.settle = away
    gateway.picture_wait_s = 0.05
    monkeypatch.setattr(MemoryDelivery, "nak", nak)
    async with gateway.running():
        await gateway.say(send(7, chart_key="never"))
        settled = await gateway.until_settled("m:picture:p:7")

    assert (settled.state, failures, handed_back) == (DeliveryState.EXPIRED, 0, [])


async def test_what_the_broker_gave_up_on_is_told_when_the_database_is_back(gateway):
    gate = a_gate()
    lose(gate)
    async with collecting(gateway, gate):
        giving_up = asyncio.ensure_future(give_up_on(gateway, send(7)))
        await until(gateway.dead)
        told_early = gateway.settled()
        find(gate)
        await giving_up

    assert told_early == []
    assert [one.state for one in gateway.settled()] == [DeliveryState.DEAD]


# --- updates ----------------------------------------------------------------------------------------------------------


class Dialogue:
    """Fails as often as told, then learns what was fed."""

    def __init__(self, gate, *errors):
        self.gate, self.errors, self.fed = gate, list(errors), []

    async def feed(self, raw, trace):
        if self.errors:
            lose(self.gate)
            raise self.errors.pop()
        self.fed.append(json.loads(raw)["update_id"])


def spoken(number, chat_id=7, words="/status"):
    person = {"id": chat_id, "is_bot": False, "first_name": "Budi", "language_code": "en"}
    chat = {"id": chat_id, "type": "private"}
    return json.dumps({"update_id": number, "message": {"chat": chat, "from": person, "text": words}}).encode()


async def test_an_update_is_kept_in_hand_and_answered_when_the_database_is_back(gateway, monkeypatch):
    handed_back = []

    async def nak(_delivery, delay_s):
        handed_back.append(delay_s)

    monkeypatch.setattr(MemoryDelivery, "nak", nak)
    gate, stop = a_gate(), asyncio.Event()
    dialogue = Dialogue(gate, AWAY, AWAY)
    async with asyncio.TaskGroup() as group:
        group.create_task(UpdateWorker(gateway.bus, dialogue, gateway.clock, gate).run(stop))
        for number in (1, 2):
            await Intake(gateway.bus, gateway.clock).take(spoken(number))
        for left in (1, 0):
            await until(lambda left=left: len(dialogue.errors) == left and gate.is_open)
            find(gate)
        await until(lambda: dialogue.fed == [1, 2])
        stop.set()

    assert handed_back == []


async def test_a_stop_leaves_what_waits_for_the_database_to_who_comes_next(gateway):
    gate, stop = a_gate(), asyncio.Event()
    lose(gate)
    dialogue = Dialogue(gate)
    worker = asyncio.ensure_future(UpdateWorker(gateway.bus, dialogue, gateway.clock, gate).run(stop))
    for number in (1, 2):
        await Intake(gateway.bus, gateway.clock).take(spoken(number))
    await until(lambda: gateway.bus.waiting(catalogue.TELEGRAM_UPDATES) == 2)
    stop.set()
    await asyncio.wait_for(worker, 60)
    assert dialogue.fed == []

    find(gate)
    stop = asyncio.Event()
    worker = asyncio.ensure_future(UpdateWorker(gateway.bus, dialogue, gateway.clock, gate).run(stop))
    await until(lambda: dialogue.fed == [1, 2])
    stop.set()
    await worker


# --- a word of patience -----------------------------------------------------------------------------------------------


def pressed(number, chat_id=7):
    chat = {"id": chat_id, "type": "private"}
    press = {"id": f"press-{number}", "from": {"id": chat_id}, "message": {"chat": chat}, "data": "status:"}
    return json.dumps({"update_id": number, "callback_query": press}).encode()


async def test_people_are_told_once_an_outage_that_they_were_heard(gateway):
    gate = a_gate()
    regrets = Regrets(gate, Turnstile(FAST, gateway.clock), gateway.chat, WORDS)
    intake = Intake(gateway.bus, gateway.clock, regrets.heard)
    running = asyncio.ensure_future(regrets.run())
    try:
        await intake.take(spoken(1, 5))
        for outage in (1, 2):
            lose(gate)
            for number in (1, 1, 2):
                await intake.take(spoken(10 * outage + number))
            await intake.take(spoken(10 * outage + 3, 8))
            await until(lambda outage=outage: [len(gateway.chat.of(chat)) for chat in (7, 8)] == [outage, outage])
            find(gate)
            await intake.take(spoken(10 * outage + 4))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert {bubble.shown.html for bubble in gateway.chat.of(7)} == {WORDS["en"]("answer.later")}
    assert gateway.chat.of(5) == []


async def test_a_word_of_patience_that_cannot_be_said_stops_nobody(gateway):
    gate = a_gate()
    lose(gate)
    gateway.chat.people.discard(7)
    regrets = Regrets(gate, Turnstile(FAST, gateway.clock), gateway.chat, WORDS)
    running = asyncio.ensure_future(regrets.run())
    for raw in (pressed(1, 6), spoken(2, 7), spoken(3, 8)):
        regrets.heard(raw)
    await until(lambda: gateway.chat.of(8))
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("raw", "who"),
    [
        (spoken(1), Voice(7, "en")),
        (pressed(1), Voice(7, None, "press-1")),
        (spoken(1).replace(b"private", b"supergroup"), None),
        (spoken(1).replace(b'"text"', b'"photo"'), None),
        (b'{"update_id": 1, "my_chat_member": {"chat": {"id": 7, "type": "private"}}}', None),
        (b'{"update_id": 1, "message": [7]}', None),
        (b"not json", None),
        (b"[]", None),
    ],
)
def test_who_waits_for_an_answer_is_read_from_an_update(raw, who):
    assert voice(raw) == who
