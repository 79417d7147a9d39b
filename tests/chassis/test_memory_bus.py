"""The bus in memory keeps the promises of every bus, on any clock."""

import asyncio
from datetime import timedelta

import pytest

from chassis.bus import Bus
from chassis.clock import ManualClock, SystemClock
from chassis.errors import TransientError
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.channels import Consumer
from tests.chassis.bus_contract import DeliveryContract, Provide, PublishContract
from tests.chassis.bus_messages import is_silent, outgoing_send, signal, soon, take
from tests.chassis.bus_reading_contract import ObjectContract, ReadContract, TalkContract
from tests.chassis.consume_contract import ConsumeContract, DeadLetterContract


@pytest.fixture
async def bus() -> MemoryBus:
    return MemoryBus(SystemClock())


@pytest.fixture
def other_bus(bus: MemoryBus) -> Bus:
    return bus


@pytest.fixture
def provide(bus: MemoryBus) -> Provide:
    async def make(consumer: Consumer) -> None:
        bus.provide(consumer)

    return make


class TestPublish(PublishContract):
    """Storing."""


class TestDelivery(DeliveryContract):
    """Consumers."""


class TestRead(ReadContract):
    """Reading."""


class TestTalk(TalkContract):
    """Talking."""


class TestObjects(ObjectContract):
    """Objects."""


class TestConsume(ConsumeContract):
    """The loop."""


class TestDeadLetters(DeadLetterContract):
    """The dead letters."""


async def test_delays_follow_the_given_clock() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock)
    await bus.publish_later(outgoing_send(1), clock.now() + timedelta(hours=1))

    async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
        assert await is_silent(deliveries, 0.05)
        clock.advance(3601)
        delivery = await soon(deliveries)
        await delivery.nak(30)
        assert await is_silent(deliveries, 0.05)
        clock.advance(30)
        assert (await soon(deliveries)).attempt == 2


async def test_old_messages_are_forgotten() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock)
    await bus.publish_batch([outgoing_send(1)])

    clock.advance(3 * 86_400)

    assert await bus.read_stored("SENDS", 1) is not None
    async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
        assert await is_silent(deliveries, 0.05)


async def test_a_cut_bus_fails_and_pauses_until_it_is_mended() -> None:
    bus = MemoryBus(SystemClock())
    await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")

    bus.cut()

    assert not bus.is_connected
    with pytest.raises(TransientError):
        await bus.publish(catalogue.SIGNAL, signal(2), "GOLD", "pullback")
    async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
        waiting = asyncio.ensure_future(soon(deliveries))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        bus.mend()
        assert (await waiting).message.sequence == 1


async def test_said_and_waiting_show_what_happened() -> None:
    bus = MemoryBus(SystemClock())
    for number in range(3):
        await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", "pullback")

    async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
        await (await take(deliveries, 1))[0].ack()

    assert [message.id for message in bus.said(catalogue.SIGNAL)] == ["s:0", "s:1", "s:2"]
    assert bus.waiting(catalogue.POSITIONS_SIGNALS) == 2
