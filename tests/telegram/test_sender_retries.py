"""Sends whose calls fail or get lost: tried again until they are delivered once, or repeated once with a mark."""

import asyncio

import pytest

from chassis.bus import Outgoing
from chassis.errors import TransientError
from chassis.memory_bus import MemoryBus
from contracts import catalogue, codec
from contracts.messages import DeliveryState, SendClass
from tests.telegram.builders import send, soon, text
from tests.telegram.fake_chat import CUT_BEFORE, LOST_ANSWER, SERVER_ERROR, Trouble, said
from tests.telegram.gateway import until

pytestmark = pytest.mark.real


@pytest.mark.parametrize("fault", [SERVER_ERROR, CUT_BEFORE, said(429, "Too Many Requests: retry after 0", 0.05)])
async def test_what_surely_failed_is_tried_until_it_is_delivered_once(gateway, fault):
    gateway.chat.troubles = [Trouble(fault, count=2)]
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 3)
    (bubble,) = gateway.chat.of(7)
    assert "Ulang" not in bubble.shown.html


async def test_failures_with_a_kill_in_between_deliver_once_without_a_mark(gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=2)]
    message, put_off, failed = send(7), gateway.deliveries.put_off, asyncio.Event()

    async def dies(*args):
        await put_off(*args)
        if len(gateway.chat.calls) == 2:
            failed.set()
            await asyncio.Event().wait()  # here the process is killed

    gateway.deliveries.put_off = dies
    async with gateway.doomed():
        await gateway.say(message)
        async with asyncio.timeout(60):
            await failed.wait()
    gateway.deliveries.put_off = put_off
    async with gateway.running():
        settled = await gateway.until_settled(message.id)

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 3)
    (bubble,) = gateway.chat.of(7)
    assert "Ulang" not in bubble.shown.html


@pytest.mark.parametrize("kind", [SendClass.SIGNAL, SendClass.EXIT])
async def test_a_kill_during_the_call_repeats_signals_and_exits_once_with_a_mark(gateway, kind):
    gateway.chat.gate.clear()
    message = send(7, kind=kind)
    async with gateway.doomed():
        await gateway.say(message)
        await until(lambda: gateway.chat.calls)
    gateway.chat.gate.set()
    async with gateway.running():
        settled = await gateway.until_settled(message.id)

    (bubble,) = gateway.chat.of(7)
    assert "Ulang" in bubble.shown.html
    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 2)


async def test_a_kill_during_the_call_of_an_answer_is_settled_unknown_without_a_double(gateway):
    gateway.chat.gate.clear()
    message = send(7, text(), SendClass.REPLY)
    async with gateway.doomed():
        await gateway.say(message)
        await until(lambda: gateway.chat.calls)
    gateway.chat.gate.set()
    async with gateway.running():
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.UNKNOWN
    assert len(gateway.chat.calls) == 1


async def test_an_answer_that_got_lost_repeats_a_signal_once_and_no_more(gateway):
    gateway.chat.troubles = [Trouble(LOST_ANSWER, count=2, happens=True)]
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.UNKNOWN
    assert ["Ulang" in bubble.shown.html for bubble in gateway.chat.of(7)] == [False, True]


async def test_a_send_that_was_delivered_before_is_told_again_without_a_call(gateway):
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        await gateway.until_settled(message.id)
        await gateway.until_idle()
    gateway.bus = MemoryBus(gateway.clock)  # a broker that has forgotten what it saw
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
        await gateway.until_idle()

    assert len(gateway.chat.of(7)) == 1
    assert settled.id == f"{message.id}:delivered"


async def test_a_signal_expires_while_it_is_tried(gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=1000)]
    message = send(7, expires_at=soon(1.0))
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.EXPIRED
    assert gateway.chat.of(7) == []


async def test_a_send_is_given_up_after_its_attempts(gateway):
    gateway.most_attempts = 2
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=1000)]
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
        await gateway.until_idle()

    assert (settled.state, settled.attempts) == (DeliveryState.DEAD, 2)
    assert len(gateway.dead()) == 1


async def test_what_was_shown_is_not_repeated_because_its_row_failed(gateway):
    settle = gateway.deliveries.settle

    async def picky(message, row):
        if row.html is not None:
            raise ValueError("cannot be kept")
        return await settle(message, row)

    gateway.deliveries.settle = picky
    message = send(7, chart_key="key")
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
        await gateway.until_idle()

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 1)
    assert len(gateway.chat.of(7)) == 1


async def test_when_the_end_cannot_be_told_it_is_told_later_without_another_call(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.sender.growing_delay", lambda _: 0.05)
    publish, failures = gateway.bus.publish, 1

    async def flaky(topic, *rest):
        nonlocal failures
        if topic is catalogue.DELIVERY and failures:
            failures -= 1
            raise TransientError("broker: away")
        return await publish(topic, *rest)

    gateway.bus.publish = flaky
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        await gateway.until_settled(message.id)
        await gateway.until_idle()

    assert len(gateway.chat.of(7)) == 1


async def test_a_send_that_comes_twice_while_it_is_held_is_called_once(gateway):
    message = send(7)
    gateway.chat.gate.clear()
    async with gateway.running():
        await gateway.say(message)
        await until(lambda: gateway.chat.calls)
        double = Outgoing(catalogue.SEND.subject("signal", 7), codec.encode(message), "another id for the broker")
        await gateway.bus.publish_batch([double])
        await until(lambda: gateway.bus.waiting(catalogue.TELEGRAM_SENDS) == 2)
        gateway.chat.gate.set()
        await gateway.until_idle()

    assert len(gateway.chat.of(7)) == 1
    assert len(gateway.settled()) == 1


async def test_a_rest_that_telegram_asked_for_holds_in_the_next_process(gateway):
    gateway.chat.troubles = [Trouble(said(429, "Too Many Requests: retry after 600", 600.0), chat_id=7)]
    message = send(7)
    async with gateway.doomed():
        await gateway.say(message)
        await until(lambda: gateway.chat.calls)
        await until_waiting(gateway, message.id)

    find, looked_up = gateway.deliveries.find, asyncio.Event()

    async def watched(send_id):
        row = await find(send_id)
        looked_up.set()
        return row

    gateway.deliveries.find = watched
    async with gateway.running():
        async with asyncio.timeout(60):
            await looked_up.wait()  # its turn has come
        await gateway.say(send(8))
        await gateway.until_settled("m:signal:p:8")
    assert [chat for _, chat in gateway.chat.calls] == [7, 8]

    async with gateway.pool.connection() as connection:  # the rest is over
        await connection.execute("update delivery set next_at = now() where send_id = %s", (message.id,))
    async with gateway.running():
        await gateway.until_settled(message.id)
    assert [chat for _, chat in gateway.chat.calls] == [7, 8, 7]


async def until_waiting(gateway, send_id):
    """Wait until the row says that the send waits for another try."""
    async with asyncio.timeout(60):
        while (row := await gateway.deliveries.find(send_id)) is None or row.state != "waiting":
            await asyncio.sleep(0.01)


async def test_a_signal_does_not_expire_behind_a_call_that_hangs(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.domain.attempt.UNREPEATED_PATIENCE_S", 0.2)
    original = gateway.chat.send_text

    async def hanging(chat_id, shown, *more):
        if "news" in shown.html:
            await asyncio.Event().wait()
        return await original(chat_id, shown, *more)

    gateway.chat.send_text = hanging
    async with gateway.running():
        await gateway.say(send(7, text("news"), SendClass.BROADCAST, id="m:news"))
        await gateway.say(send(7, expires_at=soon(30)))
        assert (await gateway.until_settled("m:signal:p:7")).state is DeliveryState.DELIVERED

    (lost,) = gateway.settled("m:news")
    assert (lost.state, lost.reason) == (DeliveryState.UNKNOWN, "timed out")
