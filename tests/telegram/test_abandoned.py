"""What the broker gave up on is told: a position must not wait for a delivery that nobody will settle."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from chassis.dead_letters import collect
from chassis.errors import TransientError
from contracts import catalogue
from contracts.messages import DeliveryState, SendClass
from services.telegram.domain.attempt import Call
from services.telegram.domain.pictures import PictureRoom
from services.telegram.handlers.abandoned import Abandoned
from services.telegram.handlers.announcer import Announcer
from services.telegram.handlers.courier import Courier
from services.telegram.handlers.letters import Writer
from services.telegram.handlers.turnstile import Turnstile
from tests.telegram.builders import WORDS, send, text
from tests.telegram.gateway import a_gate

pytestmark = pytest.mark.real

FEW = replace(catalogue.TELEGRAM_SENDS, max_deliver=2)


@asynccontextmanager
async def collecting(gateway, gate=None):
    room = PictureRoom()
    writer = Writer(gateway.bus, gateway.chat, gateway.deliveries, WORDS, room)
    courier = Courier(writer, gateway.deliveries, room, 200, Turnstile(gateway.limits, gateway.clock))
    abandoned = Abandoned(courier, Announcer(gateway.bus, gateway.clock), gate or a_gate())
    task = asyncio.ensure_future(collect(gateway.bus, gateway.clock, abandoned.mourn))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def give_up_on(gateway, message):
    """Hand a send back as often as the broker gives it, as a process that dies of it would."""
    gateway.bus.provide(FEW)
    await gateway.say(message)
    async with gateway.bus.deliveries(FEW) as deliveries:
        for _ in range(FEW.max_deliver):
            await (await anext(deliveries)).nak(0.001)
        asking = asyncio.ensure_future(anext(deliveries))  # the broker notices when it is asked for more
        await gateway.until_settled(message.id)
        asking.cancel()


async def test_a_send_that_was_never_called_is_dead(gateway):
    async with collecting(gateway):
        await give_up_on(gateway, send(7))
        await gateway.until_idle()

    (settled,) = gateway.settled()
    assert (settled.state, settled.position_id, len(gateway.dead())) == (DeliveryState.DEAD, "p:7", 1)
    assert (await gateway.deliveries.find("m:signal:p:7")).state is DeliveryState.DEAD


async def test_a_send_whose_call_was_under_way_is_unknown(gateway):
    await gateway.deliveries.begin(send(7), Call(1))
    async with collecting(gateway):
        await give_up_on(gateway, send(7))

    assert [one.state for one in gateway.settled()] == [DeliveryState.UNKNOWN]


async def test_a_send_that_was_delivered_and_never_told_is_told(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.sender.growing_delay", lambda _: 0.01)
    gateway.bus.provide(FEW)
    publish, failures = gateway.bus.publish, FEW.max_deliver

    async def flaky(topic, *rest):
        nonlocal failures
        if topic is catalogue.DELIVERY and failures:
            failures -= 1
            raise TransientError("broker: no room")
        return await publish(topic, *rest)

    gateway.bus.publish = flaky
    async with collecting(gateway), gateway.running():
        await gateway.say(send(7))
        settled = await gateway.until_settled("m:signal:p:7")

    assert settled.state is DeliveryState.DELIVERED
    assert len(gateway.chat.of(7)) == 1


async def test_an_end_that_cannot_be_told_now_is_told_later_and_stops_no_other(gateway, monkeypatch):
    monkeypatch.setattr("chassis.dead_letters.RETRY_S", 0.01)
    settle, errors = gateway.deliveries.settle, [TransientError("database: away"), ValueError("a bug")]

    async def flaky(message, row):
        if errors:
            raise errors.pop()
        return await settle(message, row)

    gateway.deliveries.settle = flaky
    async with collecting(gateway):
        await give_up_on(gateway, send(7, text(), SendClass.REPLY))
        await gateway.until_idle()

    assert [one.state for one in gateway.settled()] == [DeliveryState.DEAD]
    assert len(gateway.dead()) == 1
