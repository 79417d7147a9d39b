"""Channels: told to positions once and for all, one message for everyone, its outcome as a reply, no buttons."""

import asyncio

import pytest

from chassis.errors import AskFailedError, TransientError
from contracts.asks import DeactivateSubscriber, RegisterSubscriber
from contracts.messages import SendClass
from services.telegram.adapters.postgres_channels import PostgresChannels
from services.telegram.handlers import channels as publishing
from services.telegram.handlers.channels import Publishing
from tests.telegram.builders import outcome_notice, send
from tests.telegram.gateway import until
from tests.telegram.positions_room import PositionsRoom

CHANNEL, OTHER = -1001234567890, -1009876543210


@pytest.fixture
async def room(gateway):
    room = PositionsRoom()
    async with room.answering(gateway.bus):
        yield room


def publish(gateway, *channels, language="en"):
    return Publishing(gateway.bus, PostgresChannels(gateway.pool), gateway.clock, channels, language)


async def test_a_channel_is_a_subscriber_with_automatic_signals(gateway, room):
    await publish(gateway, CHANNEL).tell_all()

    person = room.people[CHANNEL]
    assert (person.chat_id, person.language, person.auto) == (CHANNEL, "en", True)
    asked = len(room.asked)
    await publish(gateway, CHANNEL).tell_all()
    assert len(room.asked) == asked + 1, "what is as it should be is not set again"


async def test_the_language_of_the_channels_is_the_settings(gateway, room):
    await publish(gateway, CHANNEL, language="id").tell_all()
    await publish(gateway, CHANNEL, language="en").tell_all()
    assert room.people[CHANNEL].language == "en"


async def test_a_channel_that_is_taken_out_of_the_settings_gets_nothing_more(gateway, room):
    await publish(gateway, CHANNEL, OTHER).tell_all()
    await publish(gateway, OTHER).tell_all()

    assert (room.people[CHANNEL].active, room.people[OTHER].active) == (False, True)
    ended = [one for one in room.asked if isinstance(one, DeactivateSubscriber)]
    assert [one.subscriber_id for one in ended] == [CHANNEL]
    assert await PostgresChannels(gateway.pool).known() == {OTHER}


async def test_a_channel_that_positions_does_not_let_in_is_named(gateway, room):
    room.is_open = False
    told = publish(gateway, CHANNEL)
    await told.tell_all()
    assert str(CHANNEL) in told.trouble
    assert "SINYAL_POSITIONS_ALLOWED_IDS" in told.trouble
    room.is_open = True
    await told.tell_all()
    assert told.trouble == ""


@pytest.mark.parametrize("error", [AskFailedError("internal", "bug"), TransientError("away")])
async def test_channels_are_told_until_it_works(gateway, room, monkeypatch, error):
    monkeypatch.setattr(publishing, "AWAY_S", 0.01)
    room.errors[RegisterSubscriber] = error
    running = asyncio.ensure_future(publish(gateway, CHANNEL).run())
    await until(lambda: len(room.asked) >= 2)
    room.errors.clear()
    await until(lambda: CHANNEL in room.people and room.people[CHANNEL].auto)
    running.cancel()


async def test_the_outcome_answers_the_signal_in_the_channel_and_neither_has_buttons(gateway):
    gateway.chat.people.add(CHANNEL)
    signal = send(1, chat_id=CHANNEL, subscriber_id=CHANNEL)
    outcome = send(
        2, outcome_notice(), SendClass.EXIT, chat_id=CHANNEL, subscriber_id=CHANNEL, id="m:outcome:p:1",
        reply_to=signal.id,
    )  # fmt: skip
    async with gateway.running():
        for message in (signal, outcome, signal, outcome):
            await gateway.say(message)
        await gateway.until_settled(outcome.id)
        await gateway.until_idle()

    first, last = gateway.chat.of(CHANNEL)
    assert last.manner.reply_to == first.message_id
    assert first.shown.buttons == last.shown.buttons == ()


async def test_a_person_still_has_buttons(gateway):
    async with gateway.running():
        await gateway.say(send(7))
        await gateway.until_settled("m:signal:p:7")
    assert gateway.chat.of(7)[0].shown.buttons
