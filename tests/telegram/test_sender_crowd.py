"""More sends than the broker hands out at once: what matters goes first all the same, and in its chat's order."""

import asyncio
from dataclasses import replace

import pytest

from chassis import streams
from chassis.bus import Outgoing
from chassis.errors import TransientError
from chassis.nats_bus import connect
from contracts import catalogue, codec
from contracts.messages import DeliveryState, SendClass
from services.telegram.domain.scheduler import Limits
from services.telegram.handlers.horizon import Horizon
from tests.telegram.builders import outcome_notice, send, text
from tests.telegram.fake_chat import Trouble, said
from tests.telegram.gateway import until

pytestmark = pytest.mark.real
BROADCASTS = 5000
FEWER = 2000
"""More than the broker hands out at once, and not minutes of sending on a busy machine."""


def news(chat):
    return send(chat, text(f"news {chat}"), SendClass.BROADCAST, id=f"m:news:{chat}", position_id=None)


def exit_of(chat, **more):
    return send(chat, outcome_notice(), SendClass.EXIT, id=f"m:outcome:{chat}", **more)


def outgoing(message):
    return Outgoing(catalogue.SEND.subject(message.kind.value, message.chat_id), codec.encode(message), message.id)


async def publish(bus, messages):
    for start in range(0, len(messages), 500):
        await bus.publish_batch([outgoing(one) for one in messages[start : start + 500]])


@pytest.fixture
async def crowd(request, gateway, nats):
    """A gateway on a real broker, with everybody's news waiting, sent one at a time at a quiet pace."""
    count = getattr(request, "param", BROADCASTS)
    async with connect(nats, name="telegram") as bus:
        await streams.apply(bus)
        gateway.bus = bus
        gateway.chat.people = set(range(1, count + 1))
        gateway.limits = Limits(per_second=100.0, private_gap_s=0.01, in_flight=64)
        await publish(bus, [news(chat) for chat in gateway.chat.people])
        yield gateway


async def test_an_exit_behind_five_thousand_broadcasts_leaves_first_and_its_chat_stays_in_order(crowd):
    await publish(crowd.bus, [exit_of(4321)])

    async with crowd.running():
        await until(lambda: len(crowd.chat.of(4321)) == 2)
        passed_by = len(crowd.chat.bubbles)

    assert ["Exit" in bubble.shown.html for bubble in crowd.chat.of(4321)] == [False, True]
    assert passed_by < BROADCASTS / 10
    assert (await crowd.deliveries.find("m:outcome:4321")).state is DeliveryState.DELIVERED


@pytest.mark.slow
@pytest.mark.parametrize("crowd", [FEWER], indirect=True)
async def test_what_was_taken_ahead_leaves_the_stream_and_is_not_sent_again(crowd):
    await publish(crowd.bus, [exit_of(chat) for chat in range(1901, 2001)])
    crowd.limits = Limits(per_second=5000.0, private_gap_s=0.001, in_flight=64)

    async with crowd.running() as sender:
        await until(lambda: len(crowd.chat.bubbles) == FEWER + 100, 100)
        await until(lambda: sender.held == 0)
        async with asyncio.timeout(60):
            while await crowd.bus.next_stored(catalogue.SEND, None, None) is not None:
                await asyncio.sleep(0.01)  # the broker hears an acknowledgement a little later

    assert len(crowd.chat.calls) == FEWER + 100


# --- the same rules, on the broker in memory ------------------------------------------------------------------------


@pytest.fixture
def few(gateway, monkeypatch):
    """A gateway to which the broker hands out four sends at a time, and whose calls do not end."""
    consumer = replace(catalogue.TELEGRAM_SENDS, in_flight=4)
    gateway.bus.provide(consumer)
    monkeypatch.setattr("services.telegram.handlers.sender.CONSUMER", consumer)
    monkeypatch.setattr("services.telegram.handlers.sender.LOOK_S", 0.01)
    return gateway


async def test_a_dead_send_that_was_taken_ahead_becomes_one_dead_letter(few):
    few.chat.troubles = [Trouble(said(400, "Bad Request: something new"), chat_id=9)]
    for chat in range(1, 5):
        few.chat.troubles.append(Trouble(said(500, "Internal Server Error"), chat_id=chat, count=3))
    async with few.running():
        await publish(few.bus, [*map(news, range(1, 6)), exit_of(9)])
        settled = await few.until_settled("m:outcome:9")
        await few.until_idle()

    assert settled.state is DeliveryState.DEAD
    assert [letter.attempts for letter in few.dead()] == [1]
    assert len(few.settled()) == 6


async def test_a_send_taken_ahead_and_then_handed_out_is_called_once(few):
    few.chat.gate.clear()
    async with few.running() as sender:
        await publish(few.bus, [*map(news, range(1, 5)), exit_of(9)])
        await until(lambda: sender.held == 5)
        few.chat.gate.set()
        await few.until_idle()

    assert len(few.chat.of(9)) == 1
    assert len(few.settled()) == 5


async def test_a_broker_that_is_away_ends_no_look(few, monkeypatch):
    few.chat.gate.clear()
    looks = asyncio.Event()

    async def away(*_, **__):
        looks.set()
        raise TransientError("away")

    async with few.running():
        with monkeypatch.context() as broken:
            broken.setattr(few.bus, "next_stored", away)
            await publish(few.bus, [*map(news, range(1, 5)), exit_of(9)])
            await asyncio.wait_for(looks.wait(), 60)
        await until(lambda: ("send_text", 9) in few.chat.calls)
        few.chat.gate.set()
        await few.until_idle()


async def test_what_is_no_message_is_looked_over(gateway):
    await gateway.bus.publish_batch(
        [Outgoing("send.v1.exit.7", b"{", "broken"), outgoing(news(7)), outgoing(exit_of(7))]
    )

    found = await Horizon(gateway.bus).find(SendClass.EXIT, 5)

    assert [one.send.id for one in found] == ["m:news:7", "m:outcome:7"]
