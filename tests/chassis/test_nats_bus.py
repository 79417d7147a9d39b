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


@pytest.fixture(autouse=True)
def _is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the broker leaves unanswered for seconds, the machine holds up: a repeat would be no news to the broker."""
    monkeypatch.setattr("chassis.publisher.ATTEMPT_S", 60.0)
    monkeypatch.setattr("chassis.nats_link.API_TIMEOUT_S", 60.0)
    monkeypatch.setattr("chassis.nats_bus.READ_TIMEOUT_S", 60.0)


@pytest.fixture
async def bus(nats: str) -> AsyncIterator[NatsBus]:
    async with connect(nats, name="positions", wait_s=60) as bus:
        yield bus


@pytest.fixture
async def other_bus(nats: str) -> AsyncIterator[Bus]:
    async with connect(nats, name="telegram", wait_s=60) as bus:
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
