"""What becomes of sends, on the real database: each is delivered once, or its end is told once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.bus import Outgoing
from chassis.dead_letters import redrive
from chassis.errors import TransientError
from chassis.memory_bus import MemoryBus
from contracts import catalogue, codec, ids
from contracts.messages import Button, DeliveryState, FeedNotice, FeedState, SendClass
from services.telegram.domain.attempt import Call
from tests.telegram.builders import MARKET_MS, outcome_notice, send, text
from tests.telegram.fake_chat import BLOCKED, CUT_BEFORE, LOST_ANSWER, SERVER_ERROR, Trouble, said
from tests.telegram.gateway import until

pytestmark = pytest.mark.real


def soon(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


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
    assert second.reply_to == first.message_id


async def test_order_within_a_chat_holds_through_failures(gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=2, chat_id=7)]
    messages = [send(7, text(str(n)), SendClass.REPLY, id=f"m:{n}") for n in range(6)]
    async with gateway.running():
        for message in messages:
            await gateway.say(message)
        await gateway.until_idle()

    assert [bubble.shown.html for bubble in gateway.chat.of(7)] == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("fault", [SERVER_ERROR, CUT_BEFORE, said(429, "Too Many Requests: retry after 0", 0.05)])
async def test_what_surely_failed_is_tried_until_it_is_delivered_once(gateway, fault):
    gateway.chat.troubles = [Trouble(fault, count=2)]
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 3)
    (bubble,) = gateway.chat.of(7)
    assert "Ulang" not in bubble.shown.html


async def test_failures_with_a_kill_in_between_deliver_once_without_a_mark(gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=2)]
    message = send(7)
    async with gateway.doomed():
        await gateway.say(message)
        await until(lambda: len(gateway.chat.calls) == 2)
        await asyncio.sleep(0.1)  # the row of the second failure is written behind the call
    async with gateway.running():
        settled = await gateway.until_settled(message.id)

    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 3)
    (bubble,) = gateway.chat.of(7)
    assert "Ulang" not in bubble.shown.html


@pytest.mark.parametrize("kind", [SendClass.SIGNAL, SendClass.EXIT])
async def test_a_kill_during_the_call_repeats_signals_and_exits_once_with_a_mark(gateway, kind):
    gateway.chat.gate.clear()
    message = send(7, kind=kind)
    async with gateway.doomed():
        await gateway.say(message)
        await until(lambda: gateway.chat.calls)
    gateway.chat.gate.set()
    async with gateway.running():
        settled = await gateway.until_settled(message.id)

    (bubble,) = gateway.chat.of(7)
    assert "Ulang" in bubble.shown.html
    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 2)


async def test_a_kill_during_the_call_of_an_answer_is_settled_unknown_without_a_double(gateway):
    gateway.chat.gate.clear()
    message = send(7, text(), SendClass.REPLY)
    async with gateway.doomed():
        await gateway.say(message)
        await until(lambda: gateway.chat.calls)
    gateway.chat.gate.set()
    async with gateway.running():
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.UNKNOWN
    assert len(gateway.chat.calls) == 1


async def test_an_answer_that_got_lost_repeats_a_signal_once_and_no_more(gateway):
    gateway.chat.troubles = [Trouble(LOST_ANSWER, count=2, happens=True)]
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.UNKNOWN
    assert ["Ulang" in bubble.shown.html for bubble in gateway.chat.of(7)] == [False, True]


async def test_a_send_that_was_delivered_before_is_told_again_without_a_call(gateway):
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        await gateway.until_settled(message.id)
        await gateway.until_idle()
    gateway.bus = MemoryBus(gateway.clock)  # a broker that has forgotten what it saw
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
        await gateway.until_idle()

    assert len(gateway.chat.of(7)) == 1
    assert settled.id == f"{message.id}:delivered"


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


async def test_a_signal_that_is_too_old_is_not_sent(gateway):
    message = send(7, expires_at=soon(-1))
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.EXPIRED
    assert gateway.chat.calls == []


async def test_a_signal_expires_while_it_is_tried(gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=1000)]
    message = send(7, expires_at=soon(1.0))
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)

    assert settled.state is DeliveryState.EXPIRED
    assert gateway.chat.of(7) == []


async def test_a_send_is_given_up_after_its_attempts(gateway):
    gateway.most_attempts = 2
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=1000)]
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
        await gateway.until_idle()

    assert (settled.state, settled.attempts) == (DeliveryState.DEAD, 2)
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


async def test_an_edit_of_a_message_that_is_gone_is_void_and_deactivates_nobody(gateway):
    edit = send(7, text("new", edit_message_id=99), SendClass.REPLY)
    async with gateway.running():
        await gateway.say(edit)
        settled = await gateway.until_settled(edit.id)

    assert (settled.state, settled.deactivate) == (DeliveryState.VOID, False)


async def test_one_slow_chat_delays_no_other(gateway):
    original = gateway.chat.send_text
    gate = asyncio.Event()

    async def slow(chat_id, shown, **more):
        if chat_id == 1:
            await gate.wait()
        return await original(chat_id, shown, **more)

    gateway.chat.send_text = slow
    async with gateway.running():
        for number in range(1, 31):
            await gateway.say(send(number))
        await until(lambda: len(gateway.settled()) == 29)
        assert gateway.settled("m:signal:p:1") == []
        gate.set()
        await gateway.until_idle()


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


async def test_what_was_shown_is_not_repeated_because_its_row_failed(gateway):
    settle = gateway.deliveries.settle

    async def picky(message, row):
        if row.html is not None:
            raise ValueError("cannot be kept")
        return await settle(message, row)

    gateway.deliveries.settle = picky
    message = send(7, chart_key="key")
    async with gateway.running():
        await gateway.say(message)
        settled = await gateway.until_settled(message.id)
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


async def test_when_the_end_cannot_be_told_it_is_told_later_without_another_call(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.handlers.sender.growing_delay", lambda _: 0.05)
    publish, failures = gateway.bus.publish, 1

    async def flaky(topic, *rest):
        nonlocal failures
        if topic is catalogue.DELIVERY and failures:
            failures -= 1
            raise TransientError("broker: away")
        return await publish(topic, *rest)

    gateway.bus.publish = flaky
    message = send(7)
    async with gateway.running():
        await gateway.say(message)
        await gateway.until_settled(message.id)
        await gateway.until_idle()

    assert len(gateway.chat.of(7)) == 1


async def test_an_operator_reads_of_the_feed(gateway):
    notice = FeedNotice(symbol="XAUUSD", state=FeedState.STALE, reason="silent", since_ms=MARKET_MS)
    async with gateway.running():
        await gateway.say(send(7, notice, SendClass.REPLY, id="m:feed:1"))
        await gateway.until_settled("m:feed:1")

    assert "harga berhenti" in gateway.chat.of(7)[0].shown.html


async def test_a_send_that_comes_twice_while_it_is_held_is_called_once(gateway):
    message = send(7)
    gateway.chat.gate.clear()
    async with gateway.running():
        await gateway.say(message)
        await until(lambda: gateway.chat.calls)
        double = Outgoing(catalogue.SEND.subject("signal", 7), codec.encode(message), "another id for the broker")
        await gateway.bus.publish_batch([double])
        await until(lambda: gateway.bus.waiting(catalogue.TELEGRAM_SENDS) == 2)
        gateway.chat.gate.set()
        await gateway.until_idle()

    assert len(gateway.chat.of(7)) == 1
    assert len(gateway.settled()) == 1


# --- stopping, and what is away -------------------------------------------------------------------------------------


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
        await until(lambda: any(bubble.file_id for bubble in gateway.chat.of(8) + gateway.chat.of(7)), 3.0)


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


async def test_two_copies_that_hold_the_same_send_call_once(gateway):
    message = send(7)
    first = await gateway.deliveries.begin(message, Call(1))
    second = await gateway.deliveries.begin(message, Call(1))

    assert (first, second) == (True, False)


async def test_a_late_result_of_the_old_owner_does_not_undo_the_new_ones(gateway):
    message = send(7)
    await gateway.deliveries.begin(message, Call(1))
    await gateway.deliveries.begin(message, Call(2, repeats=1))

    await gateway.deliveries.put_off(message.id, Call(1), 0)

    found = await gateway.deliveries.find(message.id)
    assert (found.state, found.attempts, found.repeats) == ("attempting", 2, 1)


async def test_old_rows_are_pruned_and_young_ones_kept(gateway):
    async with gateway.running():
        await gateway.say(send(7))
        await gateway.until_settled("m:signal:p:7")
    assert await gateway.deliveries.prune(1) == 0
    async with gateway.pool.connection() as connection:
        await connection.execute("update delivery set settled_at = settled_at - interval '2 days'")

    assert await gateway.deliveries.prune(1) == 1
    assert await gateway.deliveries.find("m:signal:p:7") is None


async def test_many_old_rows_are_pruned_in_small_statements_whether_they_ended_or_not(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.adapters.postgres_deliveries.PRUNED_AT_ONCE", 3)
    async with gateway.pool.connection() as connection:
        await connection.execute(
            "insert into delivery (send_id, chat_id, subscriber_id, kind, state, created_at, settled_at)"
            " select n::text, 1, 1, 'reply', 'delivered', now() - interval '3 days',"
            " case when n % 2 = 0 then now() - make_interval(days => n / 10) end from generate_series(1, 39) as n"
        )

    assert await gateway.deliveries.prune(2) == 20 + 10
    assert await gateway.deliveries.prune(2) == 0


async def test_buttons_and_words_survive_the_row(gateway):
    message = send(7, text("<b>x</b>", buttons=((Button(text="a", data="b"),),)), SendClass.REPLY, chart_key="k")
    async with gateway.running():
        await gateway.say(message)
        await gateway.until_settled(message.id)

    found = await gateway.deliveries.find(message.id)
    assert (found.html, found.buttons) == ("<b>x</b>", ((Button(text="a", data="b"),),))


async def test_the_broker_keeps_nothing_that_ended(gateway):
    async with gateway.running() as sender:
        for number in range(1, 51):
            await gateway.say(send(number))
        await gateway.until_idle()
        assert sender.held == 0
    assert gateway.bus.waiting(catalogue.TELEGRAM_SENDS) == 0
