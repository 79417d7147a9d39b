"""The bus on a real server keeps the promises of every bus."""

from collections.abc import AsyncIterator

import pytest

from chassis import streams
from chassis.bus import Bus
from chassis.nats_bus import NatsBus, connect
from contracts.channels import Consumer
from tests.chassis.bus_contract import DeliveryContract, Provide, PublishContract
from tests.chassis.bus_reading_contract import ObjectContract, ReadContract, TalkContract
from tests.chassis.consume_contract import ConsumeContract, DeadLetterContract

pytestmark = pytest.mark.real


@pytest.fixture
async def bus(nats: str) -> AsyncIterator[NatsBus]:
    async with connect(nats, name="positions") as bus:
        yield bus


@pytest.fixture
async def other_bus(nats: str) -> AsyncIterator[Bus]:
    async with connect(nats, name="telegram") as bus:
        yield bus


@pytest.fixture
def provide(bus: NatsBus) -> Provide:
    async def make(consumer: Consumer) -> None:
        await streams.apply(bus, streams=(), consumers=(consumer,), buckets=())

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
