"""Sends that Telegram refuses, or that nobody can send: void or dead, told once, and in nobody's way."""

from dataclasses import replace

import pytest

from chassis.bus import Outgoing
from chassis.dead_letters import redrive
from contracts import catalogue
from contracts.messages import DeliveryState, SendClass
from tests.telegram.builders import outcome_notice, send, text
from tests.telegram.fake_chat import BLOCKED, Trouble, said
from tests.telegram.gateway import until

pytestmark = pytest.mark.real


async def test_a_blocked_person_is_void_and_to_be_deactivated(gateway):
    gateway.chat.troubles = [Trouble(BLOCKED, chat_id=7)]
    blocked, other = send(7), send(8)
    async with gateway.running():
        await gateway.say(blocked)
        await gateway.say(other)
        settled = await gateway.until_settled(blocked.id)
        assert (await gateway.until_settled(other.id)).state is DeliveryState.DELIVERED

    assert (settled.state, settled.deactivate) == (DeliveryState.VOID, True)
    assert settled.reason.startswith("403")
    assert gateway.dead() == []


async def test_a_chat_that_does_not_exist_is_void(gateway):
    message = send(5000)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert (settled.state, settled.deactivate) == (DeliveryState.VOID, True)


async def test_what_telegram_refuses_goes_to_the_dead_letters_and_is_told(gateway):
    message = send(7, text("<blink>"), SendClass.REPLY)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
        await gateway.until_idle()

    (letter,) = gateway.dead()
    assert settled.state is DeliveryState.DEAD
    assert "can't parse entities" in letter.reason
    assert letter.topic == "send"


async def test_bytes_that_are_no_message_go_to_the_dead_letters_and_stop_nobody(gateway):
    good = send(7)
    async with gateway.running():
        await gateway.bus.publish_batch([Outgoing("send.v1.signal.7", b"{", "broken")])
        await gateway.say(good)
        await gateway.until_settled(good.id)
        await gateway.until_idle()

    assert len(gateway.dead()) == 1


async def test_a_refused_token_loses_nothing_and_shows_in_health(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.sender.LOCKED_OUT_S", 0.05)
    gateway.chat.troubles = [Trouble(said(401, "Unauthorized"), count=1)]
    message = send(7)
    async with gateway.running() as sender:
        await gateway.say(message)
        await until(lambda: sender.trouble)
        assert "SINYAL_TELEGRAM_TOKEN" in sender.trouble
        assert (await gateway.until_settled(message.id)).state is DeliveryState.DELIVERED
        await until(lambda: not sender.trouble)


async def test_an_edit_of_a_message_that_is_gone_is_void_and_deactivates_nobody(gateway):
    edit = send(7, text("new", edit_message_id=99), SendClass.REPLY)
    async with gateway.running():
        await gateway.say(edit)
        settled = await gateway.until_settled(edit.id)

    assert (settled.state, settled.deactivate) == (DeliveryState.VOID, False)


async def test_a_dead_letter_that_is_sent_again_is_tried_again(gateway):
    gateway.chat.troubles = [Trouble(said(400, "Bad Request: something new"), count=1)]
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        assert (await gateway.until_settled(message.id)).state is DeliveryState.DEAD
        await gateway.until_idle()
        await redrive(gateway.bus, gateway.dead()[0], 1)
        settled = await gateway.until_settled(message.id, 2)
        await gateway.until_idle()

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 1)
    assert len(gateway.chat.of(7)) == 1


async def test_a_bug_in_one_send_stops_no_other_and_ends_in_the_dead_letters(gateway, monkeypatch):
    consumer = replace(catalogue.TELEGRAM_SENDS, max_deliver=2)
    monkeypatch.setattr("services.telegram.handlers.sender.CONSUMER", consumer)
    monkeypatch.setattr("services.telegram.handlers.sender.growing_delay", lambda _: 0.05)
    monkeypatch.setattr("services.telegram.domain.notices.outcome", lambda *_: 1 / 0)
    broken, good = send(7, outcome_notice(), SendClass.EXIT), send(8)
    async with gateway.running():
        await gateway.say(broken)
        await gateway.say(good)
        assert (await gateway.until_settled(good.id)).state is DeliveryState.DELIVERED
        settled = await gateway.until_settled(broken.id)
        await gateway.until_idle()

    assert (settled.state, settled.attempts) == (DeliveryState.DEAD, 0)
    assert len(gateway.dead()) == 1
