"""What every bus promises of reading, talking and objects. See bus_contract.py for the fixtures."""

import asyncio

import pytest

from chassis.bus import Bus, Outgoing
from chassis.errors import AskFailedError, TransientError
from contracts import asks, catalogue, codec
from tests.chassis.bus_messages import HANGS_S, candle, is_silent, opened, quote, tick


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

    async def test_kept_gives_the_end_of_all_subjects_with_their_places(self, bus: Bus) -> None:
        assert await bus.kept(catalogue.TICK, count=9) == []
        for number, symbol in ((1, "GOLD"), (2, "SILVER"), (3, "GOLD")):
            await bus.publish(catalogue.TICK, tick(number, symbol), symbol)
        await bus.remove_stored("TICKS", 1)

        kept = await bus.kept(catalogue.TICK, count=9)
        assert [(stored.sequence, found.epoch_ms) for stored, found in kept] == [(2, 2), (3, 3)]
        assert [stored.sequence for stored, _ in await bus.kept(catalogue.TICK, count=1)] == [3]

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

    async def test_the_next_message_of_a_kind_is_found_behind_a_sequence(self, bus: Bus) -> None:
        kinds = (("broadcast", 7), ("exit", 8), ("broadcast", 8), ("exit", 7))
        for number, (kind, chat) in enumerate(kinds):
            await bus.publish_batch([Outgoing(catalogue.SEND.subject(kind, chat), b"{}", f"m:{number}")])

        async def found(*tokens: object, after: int = 0) -> int | None:
            stored = await bus.next_stored(catalogue.SEND, *tokens, after_sequence=after)
            return stored and stored.sequence

        assert [await found("exit", None), await found("exit", None, after=2)] == [2, 4]
        assert [await found(None, 8), await found(None, 8, after=2)] == [2, 3]
        assert [await found("exit", 7), await found("signal", None), await found("exit", None, after=4)] == [
            4,
            None,
            None,
        ]

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
            async with asyncio.timeout(60):
                assert (await anext(quotes)).epoch_ms == 1

    async def test_nothing_told_is_kept(self, bus: Bus) -> None:
        await bus.tell(catalogue.QUOTE, quote(1), "GOLD")

        async with bus.listen(catalogue.QUOTE) as quotes:
            assert await is_silent(quotes)

    async def test_a_slow_listener_loses_the_oldest(self, bus: Bus, other_bus: Bus) -> None:
        async with bus.listen(catalogue.QUOTE) as quotes:
            for number in range(1500):
                await other_bus.tell(catalogue.QUOTE, quote(number), "GOLD")
            await until_heard(bus, other_bus)
            heard = [(await anext(quotes)).epoch_ms for _ in range(1024)]

        assert heard == list(range(1500 - 1024, 1500))

    async def test_a_question_is_answered(self, bus: Bus, other_bus: Bus) -> None:
        async def evaluate(request: asks.EvaluateNow) -> asks.Evaluation:
            return asks.Evaluation(signal=None, why=(request.symbol,))

        async with bus.answer(catalogue.EVALUATE, evaluate):
            answer = await other_bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=HANGS_S)

        assert answer.why == ("GOLD",)

    async def test_a_refusal_arrives_with_its_code(self, bus: Bus) -> None:
        async def refuse(_request: asks.EvaluateNow) -> asks.Evaluation:
            raise AskFailedError("not_allowed", "go away")

        async with bus.answer(catalogue.EVALUATE, refuse):
            with pytest.raises(AskFailedError, match="go away") as caught:
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=HANGS_S)

        assert caught.value.code == "not_allowed"

    async def test_a_room_that_cannot_answer_now_is_a_transient_failure(self, bus: Bus) -> None:
        async def fail(_request: asks.EvaluateNow) -> asks.Evaluation:
            raise TransientError("the database is away")

        async with bus.answer(catalogue.EVALUATE, fail):
            with pytest.raises(TransientError, match="database"):
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=HANGS_S)

    async def test_a_bug_in_an_answer_is_told_at_once(self, bus: Bus) -> None:
        async def fail(_request: asks.EvaluateNow) -> asks.Evaluation:
            raise ZeroDivisionError

        async with bus.answer(catalogue.EVALUATE, fail):
            with pytest.raises(AskFailedError) as caught:
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=HANGS_S)

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
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol=str(number)), deadline_s=HANGS_S)

        assert asked == [str(number) for number in range(6)]

    async def test_questions_are_answered_side_by_side(self, bus: Bus) -> None:
        both = asyncio.Barrier(2)

        async def meet(_request: asks.EvaluateNow) -> asks.Evaluation:
            async with both:
                return asks.Evaluation(signal=None)

        async with bus.answer(catalogue.EVALUATE, meet):
            question = asks.EvaluateNow(symbol="GOLD")
            answers = await asyncio.gather(
                *(bus.ask(catalogue.EVALUATE, question, deadline_s=HANGS_S) for _ in range(2))
            )

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

    async def test_what_was_dropped_is_none_and_may_be_put_again(self, bus: Bus, other_bus: Bus) -> None:
        await bus.put(catalogue.CHART_PICTURES, "a", b"old")
        await bus.put(catalogue.CHART_PICTURES, "b", b"another")

        await other_bus.drop(catalogue.CHART_PICTURES, "a")

        assert await bus.get(catalogue.CHART_PICTURES, "a") is None
        assert await bus.get(catalogue.CHART_PICTURES, "b") == b"another"
        await bus.put(catalogue.CHART_PICTURES, "a", b"new")
        assert await other_bus.get(catalogue.CHART_PICTURES, "a") == b"new"

    async def test_dropping_what_is_not_there_is_harmless(self, bus: Bus) -> None:
        await bus.put(catalogue.CHART_PICTURES, "a", b"old")
        for key in ("a", "a", "nothing"):
            await bus.drop(catalogue.CHART_PICTURES, key)
        assert await bus.get(catalogue.CHART_PICTURES, "a") is None


async def until_heard(listener: Bus, teller: Bus) -> None:
    """Wait until the listener's connection has all that was told: a question overtakes nothing on its way there."""

    async def evaluate(_request: asks.EvaluateNow) -> asks.Evaluation:
        return asks.Evaluation(signal=None)

    async with listener.answer(catalogue.EVALUATE, evaluate):
        await teller.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=HANGS_S)
