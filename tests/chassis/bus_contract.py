"""What every bus promises. A test module subclasses the contracts and gives the fixtures `bus`, `other_bus`, `provide`.

`other_bus` is another service at the same broker. `provide` makes a durable consumer that the catalogue does not name.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.bus import Bus, Outgoing
from chassis.errors import AskFailedError, RejectedError, TransientError
from contracts import asks, catalogue, codec
from contracts.catalogue import Consumer
from tests.chassis.bus_messages import (
    candle,
    draw,
    eventually,
    is_silent,
    opened,
    outgoing_send,
    quote,
    send,
    signal,
    soon,
    take,
    tick,
)

Provide = Callable[[Consumer], Awaitable[None]]

QUICK = Consumer("test-quick", "SIGNALS", (catalogue.SIGNAL.stored,), "test", ack_wait_s=0.6, max_deliver=3)


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
            assert await is_silent(deliveries, 0.2)
            delivery = await soon(deliveries, 3)
            assert datetime.now(UTC) >= at - timedelta(seconds=0.05)
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
        await bus.publish_later(outgoing_send(1), now + timedelta(seconds=0.3))
        await bus.publish_later(outgoing_send(1), now + timedelta(seconds=0.9))

        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            assert await is_silent(deliveries, 0.6)
            await soon(deliveries, 3)
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
        await provide(one := replace(QUICK, name="test-one", in_flight=1, ack_wait_s=30))
        for number in range(2):
            await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", "pullback")

        async with bus.deliveries(one) as deliveries:
            await (await soon(deliveries)).nak(0.5)
            assert await is_silent(deliveries)
            again = await soon(deliveries)

        assert (again.message.sequence, again.attempt) == (1, 2)

    async def test_what_is_unsettled_comes_again_when_its_reader_leaves(self, bus: Bus) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            await soon(deliveries)

        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            again = await soon(deliveries, 2)

        assert (again.message.sequence, again.attempt) == (1, 2)

    async def test_ack_wait_gives_a_message_to_another(self, bus: Bus, provide: Provide) -> None:
        await provide(QUICK)
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")

        async with bus.deliveries(QUICK) as deliveries:
            await soon(deliveries)
            again = await soon(deliveries, 3)

        assert again.attempt == 2

    async def test_in_progress_keeps_a_message(self, bus: Bus, provide: Provide) -> None:
        await provide(QUICK)
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")

        async with bus.deliveries(QUICK) as deliveries:
            delivery = await soon(deliveries)
            for _ in range(4):
                assert await is_silent(deliveries, 0.3)
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


class ReadContract:
    """Reading without settling."""

    async def test_replay_reads_in_order_and_goes_on(self, bus: Bus) -> None:
        for number in range(1, 4):
            await bus.publish(catalogue.TICK, tick(number), "GOLD")

        async with bus.replay(catalogue.TICK, after_sequence=1) as ticks:
            old = [(await anext(ticks))[1].epoch_ms for _ in range(2)]
            await bus.publish(catalogue.TICK, tick(4), "GOLD")
            stored, new = await anext(ticks)

        assert old == [2, 3]
        assert (stored.sequence, new.epoch_ms) == (4, 4)

    async def test_replay_of_a_younger_stream_starts_at_its_beginning(self, bus: Bus) -> None:
        await bus.publish(catalogue.TICK, tick(1), "GOLD")

        async with bus.replay(catalogue.TICK, after_sequence=1_000) as ticks:
            assert (await anext(ticks))[1].epoch_ms == 1

    async def test_replay_of_one_subject_leaves_the_others_out(self, bus: Bus) -> None:
        for number, symbol in ((1, "GOLD"), (2, "SILVER"), (3, "GOLD")):
            await bus.publish(catalogue.TICK, tick(number, symbol), symbol)

        async with bus.replay(catalogue.TICK, tokens=("GOLD",)) as ticks:
            assert [(await anext(ticks))[1].epoch_ms for _ in range(2)] == [1, 3]

    async def test_garbage_is_left_out_of_a_replay(self, bus: Bus) -> None:
        await bus.publish_batch([Outgoing(catalogue.TICK.subject("GOLD"), b"\xff\x00 garbage", "g")])
        await bus.publish(catalogue.TICK, tick(2), "GOLD")

        async with bus.replay(catalogue.TICK) as ticks:
            assert (await anext(ticks))[1].epoch_ms == 2

    async def test_latest_gives_the_end_oldest_first(self, bus: Bus) -> None:
        for number in range(1, 6):
            await bus.publish(catalogue.CANDLE, candle(number), "GOLD", "M1")
        await bus.publish(catalogue.CANDLE, candle(9, "SILVER"), "SILVER", "M1")

        assert [message.id for message in await bus.latest(catalogue.CANDLE, "GOLD", "M1", count=2)] == [
            "c:GOLD:4",
            "c:GOLD:5",
        ]
        assert [message.id for message in await bus.latest(catalogue.CANDLE, "GOLD", "M1")] == ["c:GOLD:5"]
        assert len(await bus.latest(catalogue.CANDLE, "GOLD", "M1", count=99)) == 5

    @pytest.mark.parametrize("count", [1, 7])
    async def test_latest_of_nothing_is_nothing(self, bus: Bus, count: int) -> None:
        assert await bus.latest(catalogue.CANDLE, "GOLD", "M1", count=count) == []

    async def test_latest_finds_partitioned_subjects(self, bus: Bus) -> None:
        await bus.publish(catalogue.POSITION_OPENED, opened(1, 42), 42)
        await bus.publish(catalogue.POSITION_OPENED, opened(2, 43), 43)

        assert [message.subscriber_id for message in await bus.latest(catalogue.POSITION_OPENED, 42)] == [42]

    async def test_follow_begins_with_the_last_of_each_subject(self, bus: Bus) -> None:
        for number, symbol in ((1, "GOLD"), (2, "SILVER"), (3, "GOLD")):
            await bus.publish(catalogue.TICK, tick(number, symbol), symbol)

        async with bus.follow(catalogue.TICK) as ticks:
            first = [(await anext(ticks)).epoch_ms for _ in range(2)]
            await bus.publish(catalogue.TICK, tick(4, "SILVER"), "SILVER")
            then = (await anext(ticks)).epoch_ms

        assert (first, then) == ([2, 3], 4)

    async def test_a_stored_message_can_be_removed(self, bus: Bus) -> None:
        await bus.publish(catalogue.TICK, tick(1), "GOLD")

        await bus.remove_stored("TICKS", 1)
        await bus.remove_stored("TICKS", 1)

        assert await bus.read_stored("TICKS", 1) is None

    async def test_a_stored_message_is_read_whole(self, bus: Bus) -> None:
        traced = tick(1).__class__(id="t", at=tick(1).at, trace="00-ab-cd-01", symbol="GOLD", epoch_ms=1, bid=1, ask=2)
        await bus.publish(catalogue.TICK, traced, "GOLD")

        stored = await bus.read_stored("TICKS", 1)

        assert stored is not None
        assert codec.decode(stored.body, catalogue.TICK.payload) == traced
        assert stored.headers["Nats-Msg-Id"] == "t"


class TalkContract:
    """Loss allowed."""

    async def test_listeners_hear_what_is_told(self, bus: Bus, other_bus: Bus) -> None:
        async with bus.listen(catalogue.QUOTE) as quotes:
            await other_bus.tell(catalogue.QUOTE, quote(1), "GOLD")
            async with asyncio.timeout(2):
                assert (await anext(quotes)).epoch_ms == 1

    async def test_nothing_told_is_kept(self, bus: Bus) -> None:
        await bus.tell(catalogue.QUOTE, quote(1), "GOLD")

        async with bus.listen(catalogue.QUOTE) as quotes:
            assert await is_silent(quotes)

    async def test_a_slow_listener_loses_the_oldest(self, bus: Bus, other_bus: Bus) -> None:
        async with bus.listen(catalogue.QUOTE) as quotes:
            for number in range(1500):
                await other_bus.tell(catalogue.QUOTE, quote(number), "GOLD")
            await is_silent_until_quiet(other_bus)
            heard = [(await anext(quotes)).epoch_ms for _ in range(1024)]

        assert heard == list(range(1500 - 1024, 1500))

    async def test_a_question_is_answered(self, bus: Bus, other_bus: Bus) -> None:
        async def evaluate(request: asks.EvaluateNow) -> asks.Evaluation:
            return asks.Evaluation(signal=None, why=(request.symbol,))

        async with bus.answer(catalogue.EVALUATE, evaluate):
            answer = await other_bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"))

        assert answer.why == ("GOLD",)

    async def test_a_refusal_arrives_with_its_code(self, bus: Bus) -> None:
        async def refuse(_request: asks.EvaluateNow) -> asks.Evaluation:
            raise AskFailedError("not_allowed", "go away")

        async with bus.answer(catalogue.EVALUATE, refuse):
            with pytest.raises(AskFailedError, match="go away") as caught:
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"))

        assert caught.value.code == "not_allowed"

    async def test_a_room_that_cannot_answer_now_is_a_transient_failure(self, bus: Bus) -> None:
        async def fail(_request: asks.EvaluateNow) -> asks.Evaluation:
            raise TransientError("the database is away")

        async with bus.answer(catalogue.EVALUATE, fail):
            with pytest.raises(TransientError, match="database"):
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"))

    async def test_a_bug_in_an_answer_is_told_at_once(self, bus: Bus) -> None:
        async def fail(_request: asks.EvaluateNow) -> asks.Evaluation:
            raise ZeroDivisionError

        async with bus.answer(catalogue.EVALUATE, fail):
            with pytest.raises(AskFailedError) as caught:
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"))

        assert caught.value.code == "internal"

    async def test_nobody_there_is_a_transient_failure(self, bus: Bus) -> None:
        with pytest.raises(TransientError):
            await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"))

    async def test_an_answer_after_the_deadline_is_a_transient_failure(self, bus: Bus) -> None:
        leave = asyncio.Event()

        async def dawdle(_request: asks.EvaluateNow) -> asks.Evaluation:
            await leave.wait()
            return asks.Evaluation(signal=None)

        async with bus.answer(catalogue.EVALUATE, dawdle):
            with pytest.raises(TransientError):
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=0.1)
            leave.set()

    async def test_one_copy_answers(self, bus: Bus, other_bus: Bus) -> None:
        asked: list[str] = []

        async def evaluate(request: asks.EvaluateNow) -> asks.Evaluation:
            asked.append(request.symbol)
            return asks.Evaluation(signal=None)

        async with bus.answer(catalogue.EVALUATE, evaluate), other_bus.answer(catalogue.EVALUATE, evaluate):
            for number in range(6):
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol=str(number)))

        assert asked == [str(number) for number in range(6)]

    async def test_questions_are_answered_side_by_side(self, bus: Bus) -> None:
        both = asyncio.Barrier(2)

        async def meet(_request: asks.EvaluateNow) -> asks.Evaluation:
            async with both:
                return asks.Evaluation(signal=None)

        async with bus.answer(catalogue.EVALUATE, meet):
            question = asks.EvaluateNow(symbol="GOLD")
            answers = await asyncio.gather(*(bus.ask(catalogue.EVALUATE, question) for _ in range(2)))

        assert len(answers) == 2


class ObjectContract:
    """The object store."""

    async def test_an_object_is_read_as_it_was_put(self, bus: Bus, other_bus: Bus) -> None:
        picture = bytes(range(256)) * 1600

        await bus.put(catalogue.CHART_PICTURES, "a", picture)

        assert await other_bus.get(catalogue.CHART_PICTURES, "a") == picture

    async def test_a_second_put_replaces_the_first(self, bus: Bus) -> None:
        await bus.put(catalogue.CHART_PICTURES, "a", b"old")
        await bus.put(catalogue.CHART_PICTURES, "a", b"new")

        assert await bus.get(catalogue.CHART_PICTURES, "a") == b"new"

    async def test_what_was_never_put_is_none(self, bus: Bus) -> None:
        assert await bus.get(catalogue.CHART_PICTURES, "nothing") is None


async def is_silent_until_quiet(bus: Bus) -> None:
    """Wait until what was told has gone through the broker: a question overtakes nothing on the same connection."""

    async def evaluate(_request: asks.EvaluateNow) -> asks.Evaluation:
        return asks.Evaluation(signal=None)

    async with bus.answer(catalogue.EVALUATE, evaluate):
        await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"))
    await asyncio.sleep(0.2)
