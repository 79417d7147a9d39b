"""What every bus promises. A test module subclasses the contracts and gives the fixtures `bus`, `other_bus`, `provide`.

`other_bus` is another service at the same broker. `provide` makes a durable consumer that the catalogue does not name.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from chassis.bus import Bus, Outgoing
from chassis.errors import RejectedError
from contracts import catalogue, codec
from contracts.channels import Consumer
from tests.chassis.bus_messages import (
    candle,
    draw,
    eventually,
    is_silent,
    outgoing_send,
    quote,
    send,
    signal,
    soon,
    take,
)

Provide = Callable[[Consumer], Awaitable[None]]

QUICK = Consumer("test-quick", "SIGNALS", (catalogue.SIGNAL.stored,), "test", ack_wait_s=3, max_deliver=3)
"""Gives again soon, but not as soon as a busy machine holds an acknowledgement up."""


class PublishContract:
    """Storing messages."""

    async def test_an_id_is_stored_once(self, bus: Bus) -> None:
        assert await bus.publish(catalogue.CANDLE, candle(1), "GOLD", "M1")

        assert not await bus.publish(catalogue.CANDLE, candle(1), "GOLD", "M1")

        assert len(await bus.latest(catalogue.CANDLE, "GOLD", "M1", count=5)) == 1

    async def test_equal_requests_coalesce_while_one_waits_or_is_worked_on(self, bus: Bus) -> None:
        assert await bus.publish(catalogue.CHART, draw("a", 1), "a")
        async with bus.deliveries(catalogue.CHARTS_DRAW) as deliveries:
            delivery = await soon(deliveries)

            assert not await bus.publish(catalogue.CHART, draw("a", 2), "a")
            assert await bus.publish(catalogue.CHART, draw("b", 1), "b")

            await delivery.ack()
            await eventually(lambda: bus.publish(catalogue.CHART, draw("a", 2), "a"))

    async def test_what_is_too_large_is_rejected(self, bus: Bus) -> None:
        with pytest.raises(RejectedError):
            await bus.publish_batch([Outgoing(catalogue.SEND.subject("reply", 7), b"x" * 1_100_000, "large")])

    async def test_a_topic_without_a_stream_cannot_be_published(self, bus: Bus) -> None:
        with pytest.raises(RejectedError):
            await bus.publish(catalogue.QUOTE, quote(1), "GOLD")

    async def test_a_subject_of_no_stream_is_rejected(self, bus: Bus) -> None:
        with pytest.raises(RejectedError):
            await bus.publish_batch([Outgoing("nobody.v1.takes.this", b"{}", "x")])

    async def test_a_batch_keeps_its_order(self, bus: Bus) -> None:
        await bus.publish_batch([outgoing_send(number) for number in range(600)])

        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            got = await take(deliveries, 600)

        bodies = [codec.decode(delivery.message.body, catalogue.SEND.payload).id for delivery in got]
        assert bodies == [f"m:{number}" for number in range(600)]

    async def test_a_batch_with_ids_that_are_stored_stores_the_others(self, bus: Bus) -> None:
        await bus.publish_batch([outgoing_send(number) for number in range(5)])

        await bus.publish_batch([outgoing_send(number) for number in range(10)])

        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            assert len(await take(deliveries, 10)) == 10
            assert await is_silent(deliveries)

    async def test_a_batch_with_ids_that_are_stored_keeps_the_order_of_a_chat_whatever_the_kind(self, bus: Bus) -> None:
        """As a relay says it that came back after it had published and before it could delete."""
        known = outgoing_send(1)
        kinds = ("exit", "signal", "stop", "reply", "exit")
        new = [Outgoing(catalogue.SEND.subject(kind, 7), b"{}", f"n:{number}") for number, kind in enumerate(kinds)]
        await bus.publish_batch([known])

        await bus.publish_batch([known, *new])

        stored = [await bus.next_stored(catalogue.SEND, None, 7, after_sequence=number) for number in range(1, 6)]
        kept = [one.subject.rsplit(".", 2)[1] for one in stored if one is not None]
        assert kept == list(kinds)

    async def test_a_batch_may_hold_several_streams_and_one_subject_twice(self, bus: Bus) -> None:
        delivered = [
            Outgoing(catalogue.SIGNAL.subject("GOLD", "pullback"), codec.encode(signal(n)), signal(n).id)
            for n in range(20)
        ]

        await bus.publish_batch([outgoing_send(1), *delivered, outgoing_send(2)])

        kept = await bus.latest(catalogue.SIGNAL, "GOLD", "pullback", count=50)
        assert [message.id for message in kept] == [f"s:{number}" for number in range(20)]

    async def test_a_scheduled_message_appears_at_its_time_and_once(self, bus: Bus) -> None:
        at = datetime.now(UTC) + timedelta(seconds=0.5)
        await bus.publish_later(outgoing_send(1), at)
        await bus.publish_later(outgoing_send(1), at)

        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            delivery = await soon(deliveries)
            assert delivery.message.stored_at >= at - timedelta(seconds=0.05)
            assert delivery.message.subject == "send.v1.6.reply.7"
            assert await is_silent(deliveries)

    async def test_a_message_that_was_sent_can_be_scheduled_again(self, bus: Bus) -> None:
        await bus.publish_batch([outgoing_send(1)])
        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            await (await soon(deliveries)).ack()

            await bus.publish_later(outgoing_send(1), datetime.now(UTC) + timedelta(seconds=0.1))

            assert codec.decode((await soon(deliveries)).message.body, catalogue.SEND.payload).id == "m:1"

    async def test_another_time_replaces_an_earlier_one(self, bus: Bus) -> None:
        now = datetime.now(UTC)
        await bus.publish_later(outgoing_send(1), now + timedelta(seconds=2))
        await bus.publish_later(outgoing_send(1), now + timedelta(seconds=3))

        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            assert (await soon(deliveries)).message.stored_at >= now + timedelta(seconds=2.95)
            assert await is_silent(deliveries)

    async def test_a_schedule_in_the_past_fires_now(self, bus: Bus) -> None:
        await bus.publish_later(outgoing_send(1), datetime.now(UTC) - timedelta(hours=1))

        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            assert (await soon(deliveries)).attempt == 1

    async def test_a_stream_without_schedules_rejects_them(self, bus: Bus) -> None:
        later = Outgoing(catalogue.SIGNAL.subject("GOLD", "pullback"), b"{}", "x")

        with pytest.raises(RejectedError):
            await bus.publish_later(later, datetime.now(UTC))


class DeliveryContract:
    """Durable consumers."""

    async def test_partitioned_subjects_carry_their_token(self, bus: Bus) -> None:
        await bus.publish(catalogue.SEND, send(1), "reply", 7)

        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            assert (await soon(deliveries)).message.subject == "send.v1.6.reply.7"

    async def test_acked_is_done(self, bus: Bus) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            await (await soon(deliveries)).ack()

        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            assert await is_silent(deliveries)

    async def test_in_flight_bounds_what_is_unsettled(self, bus: Bus, provide: Provide) -> None:
        await provide(one := replace(QUICK, name="test-one", in_flight=1, ack_wait_s=30))
        for number in range(2):
            await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", "pullback")

        async with bus.deliveries(one) as deliveries:
            first = await soon(deliveries)
            assert await is_silent(deliveries)
            await first.ack()
            assert (await soon(deliveries)).message.sequence == 2

    async def test_a_nak_comes_again_after_its_delay_and_holds_its_slot(self, bus: Bus, provide: Provide) -> None:
        await provide(one := replace(QUICK, name="test-one", in_flight=1, ack_wait_s=300))
        for number in range(2):
            await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", "pullback")

        async with bus.deliveries(one) as deliveries:
            delivery, began = await soon(deliveries), monotonic()
            await delivery.nak(0.5)
            again = await soon(deliveries)

        assert monotonic() - began >= 0.45
        assert (again.message.sequence, again.attempt) == (1, 2)

    async def test_what_is_unsettled_comes_again_when_its_reader_leaves(self, bus: Bus, provide: Provide) -> None:
        await provide(one := replace(QUICK, name="test-one", in_flight=1, ack_wait_s=300))
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with bus.deliveries(one) as deliveries:
            await soon(deliveries)

        async with bus.deliveries(one) as deliveries:
            again = await soon(deliveries)

        assert (again.message.sequence, again.attempt) == (1, 2)

    async def test_ack_wait_gives_a_message_to_another(self, bus: Bus, provide: Provide) -> None:
        await provide(QUICK)
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")

        async with bus.deliveries(QUICK) as deliveries:
            await soon(deliveries)
            again = await soon(deliveries)

        assert again.attempt == 2

    async def test_in_progress_keeps_a_message(self, bus: Bus, provide: Provide) -> None:
        await provide(QUICK)
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")

        async with bus.deliveries(QUICK) as deliveries:
            delivery = await soon(deliveries)
            for _ in range(5):
                assert await is_silent(deliveries, 1)
                await delivery.in_progress()
            await delivery.ack()

    async def test_term_ends_a_message_and_is_advised(self, bus: Bus) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            await (await soon(deliveries)).term("for a test")
            assert await is_silent(deliveries)

        async with bus.deliveries(catalogue.COLLECTOR) as advisories:
            assert "MSG_TERMINATED.SIGNALS.positions-signals" in (await soon(advisories)).message.subject

    async def test_the_last_delivery_is_the_last_and_is_advised(self, bus: Bus, provide: Provide) -> None:
        await provide(QUICK)
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")

        async with bus.deliveries(QUICK) as deliveries, bus.deliveries(catalogue.COLLECTOR) as advisories:
            for attempt in (1, 2, 3):
                delivery = await soon(deliveries)
                assert delivery.attempt == attempt
                await delivery.nak(0.05)
            assert await is_silent(deliveries)
            assert "MAX_DELIVERIES.SIGNALS.test-quick" in (await soon(advisories)).message.subject

    async def test_a_work_queue_forgets_what_is_done_and_a_log_does_not(self, bus: Bus) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        await bus.publish(catalogue.CHART, draw("a"), "a")
        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            await (await soon(deliveries)).ack()
        async with bus.deliveries(catalogue.CHARTS_DRAW) as deliveries:
            await (await soon(deliveries)).ack()

        assert await bus.read_stored("SIGNALS", 1) is not None

        async def is_gone() -> bool:
            return await bus.read_stored("CHARTS", 1) is None

        await eventually(is_gone)

    async def test_copies_share_the_work(self, bus: Bus, other_bus: Bus) -> None:
        async with (
            bus.deliveries(catalogue.CHARTS_DRAW, ahead=0) as mine,
            other_bus.deliveries(catalogue.CHARTS_DRAW, ahead=0) as others,
        ):
            waiting = asyncio.gather(soon(mine), soon(others))
            await asyncio.sleep(0)
            await bus.publish(catalogue.CHART, draw("a"), "a")
            await bus.publish(catalogue.CHART, draw("b"), "b")
            first, second = await waiting

        assert {first.message.subject, second.message.subject} == {"chart.v1.a", "chart.v1.b"}

    async def test_a_pinned_consumer_has_one_owner(self, bus: Bus, other_bus: Bus) -> None:
        await bus.publish_batch([outgoing_send(number) for number in range(4)])
        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as mine:
            first, *_ = await take(mine, 2)
            async with other_bus.deliveries(catalogue.TELEGRAM_SENDS) as others:
                assert await is_silent(others, 0.5)
                assert len(await take(mine, 2)) == 2
                await first.ack()
                assert await is_silent(others, 0.5)

    async def test_a_new_owner_gets_all_that_is_unsettled_in_order(self, bus: Bus, other_bus: Bus) -> None:
        await bus.publish_batch([outgoing_send(number) for number in range(6)])
        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as mine:
            got = await take(mine, 4)
            await got[0].ack()
            await got[2].ack()

        async with other_bus.deliveries(catalogue.TELEGRAM_SENDS) as others:
            sequences = [delivery.message.sequence for delivery in await take(others, 4)]

        assert sequences == [2, 4, 5, 6]

    async def test_a_consumer_of_the_new_hears_nothing_old(self, bus: Bus, provide: Provide) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        await provide(new := replace(QUICK, name="test-new", only_new=True))
        await bus.publish(catalogue.SIGNAL, signal(2), "GOLD", "pullback")

        async with bus.deliveries(new) as deliveries:
            assert (await soon(deliveries)).message.sequence == 2

    async def test_a_consumer_of_the_last_begins_with_the_last_of_each_subject(
        self, bus: Bus, provide: Provide
    ) -> None:
        for number, name in ((1, "a"), (2, "b"), (3, "a")):
            await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", name)
        await provide(last := replace(QUICK, name="test-last", last_per_subject=True, ack_wait_s=30))

        async with bus.deliveries(last) as deliveries:
            assert [delivery.message.sequence for delivery in await take(deliveries, 2)] == [2, 3]

    async def test_a_reader_may_wait_with_a_limit_and_go_on(self, bus: Bus) -> None:
        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            assert await is_silent(deliveries, 0.05)
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
            assert (await soon(deliveries)).message.sequence == 1
