"""Stopping, and what is away: broker, database, another copy. Nothing is lost and nothing is doubled."""

import asyncio
from dataclasses import replace

import pytest

from chassis.errors import TransientError
from contracts import catalogue
from contracts.messages import DeliveryState, SendClass
from tests.telegram.builders import send, text
from tests.telegram.gateway import until

pytestmark = pytest.mark.real


async def test_a_stop_ends_the_calls_under_way_and_hands_the_rest_back(gateway):
    gateway.chat.gate.clear()
    async with gateway.running():
        await gateway.say(send(7, text("under way"), SendClass.REPLY, id="m:1"))
        await gateway.say(send(7, text("waits"), SendClass.REPLY, id="m:2"))
        await until(lambda: gateway.chat.calls)
        asyncio.get_running_loop().call_later(0.1, gateway.chat.gate.set)
    assert [bubble.shown.html for bubble in gateway.chat.of(7)] == ["under way"]

    async with gateway.running():
        await gateway.until_settled("m:2")
    assert [bubble.shown.html for bubble in gateway.chat.of(7)] == ["under way", "waits"]


async def test_words_to_a_broker_that_is_away_are_lost_without_harm(gateway, monkeypatch):
    """Beats, acknowledgements and naks cannot be said while its connection is lost for long."""
    monkeypatch.setattr("services.telegram.handlers.sender.BEAT_S", 0.01)
    gateway.bus.provide(replace(catalogue.TELEGRAM_SENDS, ack_wait_s=0.3))
    unsaid = []

    async def away(delivery, *_):
        unsaid.append(delivery)
        raise TransientError("outbound buffer limit")

    with monkeypatch.context() as broken:
        for word in ("ack", "nak", "in_progress"):
            broken.setattr(f"chassis.memory_bus.MemoryDelivery.{word}", away)
        gateway.chat.gate.clear()
        async with gateway.running():
            await gateway.say(send(7))
            await until(lambda: len(unsaid) > 3)
            gateway.chat.gate.set()
            await gateway.until_settled("m:signal:p:7")
    async with gateway.running():
        await gateway.until_idle()

    assert len(gateway.chat.of(7)) == 1


@pytest.mark.parametrize("error", [TransientError("away"), ValueError("nobody thought of it")])
async def test_an_end_that_cannot_be_written_stops_no_other(gateway, monkeypatch, error):
    monkeypatch.setattr("services.telegram.handlers.sender.growing_delay", lambda _: 0.05)
    settle, failures = gateway.deliveries.settle, 1

    async def picky(message, row):
        nonlocal failures
        if row.reason == "not drawn in time" and failures:
            failures -= 1
            raise error
        return await settle(message, row)

    gateway.deliveries.settle = picky
    gateway.picture_wait_s = 0.05
    async with gateway.running():
        await gateway.say(send(7, chart_key="never"))
        await until(lambda: not failures)
        await gateway.say(send(8))
        await gateway.until_settled("m:signal:p:8")
        await gateway.until_idle()

    assert [one.state for one in gateway.settled("m:picture:p:7")] == [DeliveryState.EXPIRED]


async def test_a_bug_in_one_send_gives_back_its_right_to_upload(gateway, monkeypatch):
    await gateway.draw("key")
    original, failures = gateway.chat.join_picture, 1

    async def buggy(*all_, **more):
        nonlocal failures
        if failures:
            failures -= 1
            raise ValueError("nobody thought of it")
        return await original(*all_, **more)

    gateway.chat.join_picture = buggy
    async with gateway.running():
        await gateway.say(send(7, chart_key="key"))
        await gateway.say(send(8, chart_key="key"))
        await until(lambda: any(bubble.file_id for bubble in gateway.chat.of(8) + gateway.chat.of(7)))


async def test_while_the_database_is_away_nothing_is_called_and_nothing_is_lost(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.sender.AWAY_S", 0.05)
    find = gateway.deliveries.find
    is_away = True

    async def away(send_id):
        if is_away:
            raise TransientError("database: away")
        return await find(send_id)

    gateway.deliveries.find = away
    message = send(7)
    async with gateway.running() as sender:
        await gateway.say(message)
        await until(lambda: sender.trouble)
        assert gateway.chat.calls == []
        is_away = False
        await gateway.until_settled(message.id)

    assert len(gateway.chat.of(7)) == 1


async def test_a_database_that_goes_away_behind_the_call_makes_no_double(gateway):
    settle = gateway.deliveries.settle
    failures = 3

    async def flaky(message, row):
        nonlocal failures
        if failures:
            failures -= 1
            raise TransientError("database: away")
        return await settle(message, row)

    gateway.deliveries.settle = flaky
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 1)
    assert len(gateway.chat.of(7)) == 1


async def test_a_send_that_another_copy_took_is_left_to_it_for_a_while(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.courier.TAKEN_ELSEWHERE_S", 0.02)
    begin, refusals = gateway.deliveries.begin, 2

    async def taken(message, call):
        nonlocal refusals
        refusals -= 1
        return refusals < 0 and await begin(message, call)

    gateway.deliveries.begin = taken
    async with gateway.running():
        await gateway.say(send(7))
        settled = await gateway.until_settled("m:signal:p:7")

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 1)
    assert len(gateway.chat.calls) == 1
