"""What becomes of sends, on the real database: each is shown once, in order, and its end is told once."""

import asyncio
from datetime import UTC, datetime

import pytest

from contracts import catalogue, ids
from contracts.messages import DeliveryState, FeedNotice, FeedState, SendClass
from tests.telegram.builders import MARKET_MS, outcome_notice, send, soon, text
from tests.telegram.fake_chat import SERVER_ERROR, Trouble
from tests.telegram.gateway import until

pytestmark = pytest.mark.real


async def test_a_signal_is_shown_and_told(gateway):
    message = send(7, at=datetime.now(UTC))
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
        await gateway.until_idle()

    (bubble,) = gateway.chat.of(7)
    assert "BUY XAUUSD" in bubble.shown.html
    assert (settled.state, settled.message_id, settled.position_id) == ("delivered", bubble.message_id, "p:7")
    assert settled.id == f"{message.id}:delivered"
    assert settled.attempts == 1


async def test_the_outcome_answers_the_signal(gateway):
    signal = send(7)
    outcome = send(7, outcome_notice(), SendClass.EXIT, id=ids.send_id("p:7", "outcome"), reply_to=signal.id)
    async with gateway.running():
        await gateway.say(signal)
        await gateway.say(outcome)
        await gateway.until_settled(outcome.id)

    first, second = gateway.chat.of(7)
    assert second.manner.reply_to == first.message_id


async def test_order_within_a_chat_holds_through_failures(gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=2, chat_id=7)]
    messages = [send(7, text(str(n)), SendClass.REPLY, id=f"m:{n}") for n in range(6)]
    async with gateway.running():
        for message in messages:
            await gateway.say(message)
        await gateway.until_idle()

    assert [bubble.shown.html for bubble in gateway.chat.of(7)] == ["0", "1", "2", "3", "4", "5"]


async def test_a_signal_that_is_too_old_is_not_sent(gateway):
    message = send(7, expires_at=soon(-1))
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.EXPIRED
    assert gateway.chat.calls == []


async def test_a_newer_edit_of_a_dashboard_replaces_the_waiting_one(gateway):
    first = send(7, text("start"), SendClass.REPLY, id="m:0")
    async with gateway.running():
        await gateway.say(first)
        message_id = (await gateway.until_settled("m:0")).message_id
        gateway.chat.gate.clear()
        for number in range(1, 6):
            edit = text(f"price {number}", edit_message_id=message_id)
            await gateway.say(send(7, edit, SendClass.DASHBOARD, id=f"m:{number}", coalesce="dashboard"))
            await until(lambda: ("edit_text", 7) in gateway.chat.calls)
        await until(lambda: len(gateway.settled()) == 4)  # three were superseded while the first was under way
        gateway.chat.gate.set()
        await gateway.until_idle()

    assert gateway.chat.of(7)[0].shown.html == "price 5"
    assert [method for method, _ in gateway.chat.calls].count("edit_text") == 2
    assert sorted(one.send_id for one in gateway.settled() if one.state == "expired") == ["m:2", "m:3", "m:4"]


async def test_an_edit_that_changes_nothing_is_delivered(gateway):
    first = send(7, text("same"), SendClass.REPLY, id="m:0")
    async with gateway.running():
        await gateway.say(first)
        message_id = (await gateway.until_settled("m:0")).message_id
        await gateway.say(send(7, text("same", edit_message_id=message_id), SendClass.REPLY, id="m:1"))
        settled = await gateway.until_settled("m:1")

    assert (settled.state, settled.message_id) == (DeliveryState.DELIVERED, message_id)


async def test_one_slow_chat_delays_no_other(gateway):
    original = gateway.chat.send_text
    gate = asyncio.Event()

    async def slow(chat_id, shown, *more):
        if chat_id == 1:
            await gate.wait()
        return await original(chat_id, shown, *more)

    gateway.chat.send_text = slow
    async with gateway.running():
        for number in range(1, 31):
            await gateway.say(send(number))
        await until(lambda: len(gateway.settled()) == 29)
        assert gateway.settled("m:signal:p:1") == []
        gate.set()
        await gateway.until_idle()


async def test_an_operator_reads_of_the_feed(gateway):
    notice = FeedNotice(symbol="XAUUSD", state=FeedState.STALE, reason="silent", since_ms=MARKET_MS)
    async with gateway.running():
        await gateway.say(send(7, notice, SendClass.REPLY, id="m:feed:1"))
        await gateway.until_settled("m:feed:1")

    assert "harga berhenti" in gateway.chat.of(7)[0].shown.html


async def test_the_broker_keeps_nothing_that_ended(gateway):
    async with gateway.running() as sender:
        for number in range(1, 51):
            await gateway.say(send(number))
        await gateway.until_idle()
        assert sender.held == 0
    assert gateway.bus.waiting(catalogue.TELEGRAM_SENDS) == 0
