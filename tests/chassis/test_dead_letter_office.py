"""Looking through dead letters: which are wanted, and whose they are."""

from datetime import timedelta

import pytest

from chassis import dead_letter_office as office
from chassis.bus import Outgoing, Stored
from chassis.clock import ManualClock
from chassis.dead_letter_office import Letter, Wanted
from chassis.dead_letters import bury
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.channels import Consumer
from tests.chassis.bus_messages import AT

OUTBOX = Consumer("outbox-positions", "OUTBOX", (), "positions")


@pytest.fixture
async def bus() -> MemoryBus:
    """A bus with three letters: two of the gateway, an hour apart, and one of an outbox, just now."""
    clock = ManualClock(AT)
    bus = MemoryBus(clock)
    await dead(bus, clock, catalogue.TELEGRAM_SENDS, "send.v1.3.signal.42", "400: Bad Request: chat is odd", b'{"a":1}')
    clock.advance(3600)
    await dead(bus, clock, catalogue.TELEGRAM_UPDATES, "update.v1.7", "not an update: 2 errors", b"\xff\x00")
    await dead(bus, clock, OUTBOX, "send.v1.exit.9", "too large", b"")
    return bus


async def dead(bus: MemoryBus, clock: ManualClock, consumer: Consumer, subject: str, reason: str, body: bytes) -> None:
    stored = Stored(subject, body, {}, len(bus.said(catalogue.DEAD)) + 1, clock.now())
    await bury(bus, clock, consumer, stored, reason=reason, attempts=4)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [1, 2, 3]),
        (Wanted(consumer="telegram-sends"), [1]),
        (Wanted(room="telegram"), [1, 2]),
        (Wanted(room="positions"), [3]),
        (Wanted(reason="BAD request"), [1]),
        (Wanted(subject="send.v1.*.signal.*"), [1]),
        (Wanted(subject="send.>"), [1, 3]),
        (Wanted(older_than=timedelta(minutes=30)), [1]),
        (Wanted(younger_than=timedelta(minutes=30)), [2, 3]),
        (Wanted(room="telegram", younger_than=timedelta(minutes=30)), [2]),
        (Wanted(numbers=frozenset({3, 1, 77})), [1, 3]),
        (Wanted(numbers=frozenset({3, 1}), room="telegram"), [1]),
    ],
)
async def test_letters_are_found_by_what_all_filters_say(bus: MemoryBus, wanted: Wanted, numbers: list[int]) -> None:
    found = await office.find(bus, wanted, AT + timedelta(seconds=3600))
    assert [letter.number for letter in found] == numbers


async def test_a_letter_that_is_dropped_is_gone_and_no_other(bus: MemoryBus) -> None:
    (letter,) = await office.find(bus, Wanted(consumer="telegram-sends"), AT)

    assert (await office.drop(bus, letter)).error == ""

    assert await office.open_letter(bus, 1) is None
    assert [one.number for one in await office.find(bus, Wanted(), AT)] == [2, 3]


async def test_a_letter_that_cannot_be_sent_stays_and_says_why(bus: MemoryBus) -> None:
    letter = await opened(bus, 3)
    assert "holds no body" in (await office.send_again(bus, letter)).error

    bus.cut()
    assert "broker" in (await office.send_again(bus, await opened_later(bus, 1))).error
    bus.mend()
    assert [one.number for one in await office.find(bus, Wanted(), AT)] == [1, 2, 3]


async def opened(bus: MemoryBus, number: int) -> Letter:
    letter = await office.open_letter(bus, number)
    assert letter is not None
    return letter


async def opened_later(bus: MemoryBus, number: int) -> Letter:
    bus.mend()
    letter = await opened(bus, number)
    bus.cut()
    return letter


async def test_a_letter_nobody_can_read_is_none(bus: MemoryBus) -> None:
    await bus.publish_batch([Outgoing(catalogue.DEAD.subject("send"), b"garbage", "g")])
    assert await office.open_letter(bus, 4) is None
    assert len(await office.find(bus, Wanted(), AT)) == 3


async def test_letters_are_counted_by_consumer_and_reason(bus: MemoryBus) -> None:
    found = await office.find(bus, Wanted(room="telegram"), AT)
    assert office.tally([*found, found[0]]) == {("telegram-sends", "400"): 2, ("telegram-updates", "not an update"): 1}


def test_a_body_is_shown_as_text_or_as_its_bytes() -> None:
    assert list(office.readable(b'{"a":1}\n2')) == ['{"a":1}', "2"]
    assert list(office.readable(b"\xff\x00")) == ["ff 00"]
