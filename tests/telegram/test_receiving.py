"""Updates on their way in: stored before they are confirmed, in order for each chat, and none stops another."""

import asyncio
import json

import pytest

from chassis.clock import SystemClock
from chassis.errors import RejectedError, TransientError
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.asks import GetSubscriber
from contracts.messages import FeedState, FeedStateChanged
from services.telegram.domain.updates import NOBODY, NoUpdateError, peek
from services.telegram.handlers import receiver as receiving
from services.telegram.handlers.operators import FeedWatch
from services.telegram.handlers.receiver import Receiver
from services.telegram.handlers.updates import UpdateWorker
from services.telegram.ports import PollConflictError, PollRefusedError
from tests.telegram.builders import MARKET_MS, NOW, subscriber
from tests.telegram.gateway import a_gate, until
from tests.telegram.positions_room import PositionsRoom


def update(number, chat=7, text="hi"):
    return json.dumps({"update_id": number, "message": {"chat": {"id": chat}, "text": text}}).encode()


class Source:
    """An UpdateSource with real offsets: what is not confirmed comes again. `errors` come first."""

    def __init__(self, updates=(), errors=()):
        self.pending = list(updates)
        self.errors = list(errors)
        self.patience = []
        self.confirmed = None

    async def fetch(self, offset, *, is_patient=True):
        await asyncio.sleep(0.005)
        self.patience.append(is_patient)
        if self.errors:
            raise self.errors.pop(0)
        self._forget(offset)
        return list(self.pending)

    async def confirm(self, offset):
        self._forget(offset)
        self.confirmed = offset

    def _forget(self, offset):
        if offset is not None:
            self.pending = [raw for raw in self.pending if json.loads(raw).get("update_id", offset) >= offset]


@pytest.fixture
def bus():
    return MemoryBus(SystemClock())


async def receive(bus, source, holds):
    """Run a receiver until a condition holds; returns it."""
    receiver, stop = Receiver(bus, source, SystemClock()), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(receiver.run(stop))
        try:
            await until(lambda: holds(receiver))
        finally:
            stop.set()
    return receiver


def stored(bus):
    return [one.update_id for one in bus.said(catalogue.UPDATE)]


async def test_updates_are_stored_in_order_and_confirmed_behind(bus):
    source = Source([update(1), update(2), update(3)])

    await receive(bus, source, lambda _: not source.pending)

    assert stored(bus) == [1, 2, 3]
    assert source.confirmed == 4


async def test_a_stop_confirms_what_no_poll_has_confirmed_yet(bus):
    source = Source([update(1)])

    await receive(bus, source, lambda _: stored(bus))

    assert source.pending == []


async def test_what_could_not_be_stored_is_not_confirmed(bus):
    source = Source([update(1)])
    bus.cut()

    receiver = await receive(bus, source, lambda it: it.trouble.startswith("away"))

    assert receiver.trouble
    assert source.confirmed is None
    bus.mend()
    await receive(bus, source, lambda _: not source.pending)
    assert stored(bus) == [1]


async def test_a_repeated_update_is_stored_once(bus):
    await receive(bus, Source([update(1)]), lambda _: stored(bus))
    await receive(bus, source := Source([update(1), update(2)]), lambda _: not source.pending)

    assert stored(bus) == [1, 2]


async def test_an_update_without_a_number_stops_nobody(bus):
    source = Source([b'{"message": {}}', update(2)])

    await receive(bus, source, lambda _: stored(bus))

    assert stored(bus) == [2]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PollConflictError("409 Conflict"), "conflict: 409"),
        (PollRefusedError("401 Unauthorized"), "SINYAL_TELEGRAM_TOKEN refused: 401"),
        (TransientError("away"), "away: away"),
    ],
)
async def test_trouble_is_named_waited_out_and_forgotten(bus, monkeypatch, error, says):
    monkeypatch.setattr(receiving, "CONFLICT_S", 0.05)
    monkeypatch.setattr(receiving, "REFUSED_S", 0.05)
    source, troubles = Source([update(1)], [error]), set()

    def is_over(receiver):
        troubles.add(receiver.trouble)
        return stored(bus) and not receiver.trouble

    await receive(bus, source, is_over)

    assert any(trouble.startswith(says) for trouble in troubles)
    assert source.patience[:2] == [False, False]
    assert source.patience[2:] == [True] * len(source.patience[2:])


@pytest.mark.parametrize(
    ("body", "key", "kind"),
    [
        ({"message": {"chat": {"id": -5}, "from": {"id": 9}}}, -5, "message"),
        ({"callback_query": {"from": {"id": 9}, "message": {"chat": {"id": 5}}}}, 5, "callback_query"),
        ({"callback_query": {"from": {"id": 9}}}, 9, "callback_query"),
        ({"my_chat_member": {"chat": {"id": 5}}}, 5, "my_chat_member"),
        ({"poll": {"id": "1"}}, NOBODY, "poll"),
        ({"poll_answer": {"user": {"id": 3}}}, 3, "poll_answer"),
        ({}, NOBODY, "nothing"),
        ({"message": "nonsense"}, NOBODY, "message"),
        ({"message": {"chat": {"id": True}}}, NOBODY, "message"),
    ],
)
def test_an_update_belongs_to_a_chat_or_a_person(body, key, kind):
    seen = peek(json.dumps({"update_id": 1, **body}).encode())
    assert (seen.update_id, seen.key, seen.kind) == (1, key, kind)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"update_id": "1"}', b'{"update_id": true}', b"\xff"])
def test_bytes_without_a_number_are_no_update(raw):
    with pytest.raises(NoUpdateError):
        peek(raw)


class Dialogue:
    """Keeps what it was fed; `gates` hold a chat's updates, `errors` befall an update by number, once each."""

    def __init__(self):
        self.fed = []
        self.gates = {}
        self.errors = {}

    async def feed(self, raw, trace):
        body = json.loads(raw)
        gate = self.gates.get(body["message"]["chat"]["id"])
        if gate is not None:
            await gate.wait()
        if body["update_id"] in self.errors:
            raise self.errors[body["update_id"]]
        self.fed.append(body["update_id"])


async def work(bus, dialogue, updates, holds):
    stop = asyncio.Event()
    source = Source(updates)
    worker = UpdateWorker(bus, dialogue, SystemClock(), a_gate())
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop))
        group.create_task(Receiver(bus, source, SystemClock()).run(stop))
        try:
            await until(holds)
        finally:
            stop.set()
            for gate in dialogue.gates.values():
                gate.set()
    return worker


async def test_a_chat_is_served_in_order_while_others_go_on(bus):
    dialogue = Dialogue()
    dialogue.gates[7] = asyncio.Event()
    updates = [update(1, 7), update(2, 7), update(3, 8), update(4, 7), update(5, 9)]

    worker = await work(bus, dialogue, updates, lambda: dialogue.fed == [3, 5])
    await until(lambda: dialogue.fed == [3, 5, 1, 2, 4])

    assert worker._lines == {}


async def test_one_bad_update_goes_to_the_dead_letters_and_blocks_nothing(bus):
    dialogue = Dialogue()
    dialogue.errors[1] = RejectedError("not an update")

    await work(bus, dialogue, [update(1), update(2)], lambda: dialogue.fed == [2] and bus.said(catalogue.DEAD))

    (letter,) = bus.said(catalogue.DEAD)
    assert (letter.topic, letter.reason) == ("update", "not an update")


async def test_a_bug_in_one_answer_does_not_stop_the_next(bus):
    dialogue = Dialogue()
    dialogue.errors[1] = RuntimeError("bug")

    await work(bus, dialogue, [update(1), update(2)], lambda: dialogue.fed == [2])

    assert bus.waiting(catalogue.TELEGRAM_UPDATES) == 1


def change(state, number):
    return FeedStateChanged(
        id=f"f:{number}", at=NOW, symbol="XAUUSD", venue="deriv", state=state, reason="silent", since_ms=MARKET_MS
    )


async def test_operators_are_told_once_when_prices_stop_and_once_when_they_are_back(bus):
    states = ["RECONNECTING", "RECONNECTING", "BACKFILLING", "LIVE", "LIVE", "CLOSED", "LIVE"]
    room = PositionsRoom([subscriber(subscriber_id=1, language="en")])
    async with room.answering(bus):
        watch = asyncio.ensure_future(FeedWatch(bus, SystemClock(), (1, 2)).run())
        await bus.publish(catalogue.FEED, change(FeedState.STALE, "first"), "XAUUSD")
        await until(lambda: len(bus.said(catalogue.SEND)) == 2)
        for number, state in enumerate(states):
            await bus.publish(catalogue.FEED, change(FeedState(state), number), "XAUUSD")
        await until(lambda: len(bus.said(catalogue.SEND)) == 8)
        watch.cancel()

    said = bus.said(catalogue.SEND)
    assert [one.content.state for one in said if one.chat_id == 1] == ["STALE", "LIVE", "CLOSED", "LIVE"]
    assert {(one.chat_id, one.language) for one in said} == {(1, "en"), (2, "id")}
    assert GetSubscriber(subscriber_id=2) in room.asked


async def test_trouble_that_stands_when_we_come_is_told_and_quiet_is_not(bus):
    await bus.publish(catalogue.FEED, change(FeedState.STALE, 1), "XAUUSD")
    watch = asyncio.ensure_future(FeedWatch(bus, SystemClock(), (1,)).run())
    await until(lambda: bus.said(catalogue.SEND))
    watch.cancel()

    assert bus.said(catalogue.SEND)[0].content.state == FeedState.STALE


async def test_news_of_the_feed_outlasts_a_broker_that_is_away(bus, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.operators.growing_delay", lambda _: 0.01)
    publish, failures = bus.publish, 3

    async def flaky(topic, *rest):
        nonlocal failures
        if topic is catalogue.SEND and failures:
            failures -= 1
            raise TransientError("broker: away")
        return await publish(topic, *rest)

    bus.publish = flaky
    await bus.publish(catalogue.FEED, change(FeedState.STALE, 1), "XAUUSD")
    watch = asyncio.ensure_future(FeedWatch(bus, SystemClock(), (1,)).run())
    await until(lambda: bus.said(catalogue.SEND) or watch.done())
    watch.cancel()

    assert [one.content.state for one in bus.said(catalogue.SEND)] == [FeedState.STALE]
