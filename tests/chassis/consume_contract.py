"""The fates of a message, on every bus: what a handler raises decides what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from chassis.bus import Bus, Outgoing, Stored
from chassis.clock import SystemClock
from chassis.consume import consume
from chassis.dead_letters import NothingToSendError, collect, redrive
from chassis.errors import RejectedError, TransientError
from contracts import catalogue, codec
from contracts.channels import Consumer
from contracts.messages import DeadLetter, SendMessage, SignalRaised
from tests.chassis.bus_contract import QUICK, Provide
from tests.chassis.bus_messages import eventually, outgoing_send, signal, soon

CLOCK = SystemClock()

Answer = Callable[[int], Exception | None]


class Calls:
    """A handler that notes what it got and raises what it is told to, by the number of the call."""

    def __init__(self, raise_at: Answer = lambda _: None) -> None:
        self.got: list[str] = []
        self._raise_at = raise_at

    async def __call__(self, message: SignalRaised | SendMessage, _stored: Stored) -> None:
        """Note and raise."""
        self.got.append(message.id)
        error = self._raise_at(len(self.got))
        if error is not None:
            raise error

    async def reach(self, count: int) -> None:
        """Wait for `count` calls."""

        async def is_reached() -> bool:
            return len(self.got) >= count

        await eventually(is_reached)


@asynccontextmanager
async def consuming(bus: Bus, consumer: Consumer, handler: Calls, *, concurrency: int = 1) -> AsyncIterator[None]:
    """Run the loop beside the test."""
    routes = {catalogue.SIGNAL: handler} if consumer.stream == "SIGNALS" else {catalogue.SEND: handler}
    async with running(consume(bus, consumer, routes, clock=CLOCK, concurrency=concurrency)):
        yield


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    """Run something beside the test; its failure is the test's."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


async def letters(bus: Bus, topic: str) -> list[DeadLetter]:
    """The dead letters of a topic."""
    return await bus.latest(catalogue.DEAD, topic, count=20)


async def wait_for_letters(bus: Bus, topic: str, count: int) -> list[DeadLetter]:
    """Wait for letters."""

    async def are_there() -> bool:
        return len(await letters(bus, topic)) >= count

    await eventually(are_there)
    return await letters(bus, topic)


class ConsumeContract:
    """The loop."""

    @pytest.fixture(autouse=True)
    async def _quick_consumer(self, provide: Provide) -> None:
        await provide(QUICK)

    async def test_what_returns_is_done(self, bus: Bus) -> None:
        handler = Calls()
        async with consuming(bus, QUICK, handler):
            for number in range(3):
                await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", "pullback")
            await handler.reach(3)
            await asyncio.sleep(QUICK.ack_wait_s + 0.2)

        assert handler.got == ["s:0", "s:1", "s:2"]

    async def test_a_transient_failure_comes_again_after_its_delay(self, bus: Bus) -> None:
        handler = Calls(lambda call: TransientError("busy", delay_s=0.2) if call == 1 else None)
        async with consuming(bus, QUICK, handler):
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
            await handler.reach(2)

        assert await letters(bus, "signal") == []

    async def test_a_transient_failure_that_lasts_is_buried(self, bus: Bus) -> None:
        handler = Calls(lambda _: TransientError("busy", delay_s=0.05))
        async with consuming(bus, QUICK, handler):
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
            (letter,) = await wait_for_letters(bus, "signal", 1)

        assert len(handler.got) == QUICK.max_deliver
        assert (letter.attempts, letter.reason) == (QUICK.max_deliver, "gave up: busy")

    async def test_what_is_rejected_is_buried_whole_and_at_once(self, bus: Bus) -> None:
        handler = Calls(lambda call: RejectedError("never") if call == 1 else None)
        async with consuming(bus, QUICK, handler):
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
            await bus.publish(catalogue.SIGNAL, signal(2), "GOLD", "pullback")
            (letter,) = await wait_for_letters(bus, "signal", 1)
            await handler.reach(2)

        assert codec.decode(letter.payload, SignalRaised) == signal(1)
        assert (letter.stream, letter.sequence, letter.consumer) == ("SIGNALS", 1, "test-quick")
        assert letter.reason == "never"

    async def test_garbage_is_buried_and_stops_nobody(self, bus: Bus) -> None:
        handler = Calls()
        async with consuming(bus, QUICK, handler):
            await bus.publish_batch([Outgoing(catalogue.SIGNAL.subject("GOLD", "x"), b"\xff\x00{", "garbage")])
            await bus.publish(catalogue.SIGNAL, signal(2), "GOLD", "pullback")
            (letter,) = await wait_for_letters(bus, "signal", 1)
            await handler.reach(1)

        assert letter.payload == b"\xff\x00{"
        assert handler.got == ["s:2"]

    async def test_garbage_that_fills_a_message_is_buried_without_its_body(self, bus: Bus) -> None:
        async with consuming(bus, QUICK, Calls()):
            await bus.publish_batch([Outgoing(catalogue.SIGNAL.subject("GOLD", "x"), b"x" * 1_000_000, "garbage")])
            (letter,) = await wait_for_letters(bus, "signal", 1)

        assert letter.payload == b""
        assert "1000000 bytes left out" in letter.reason

    async def test_a_bug_is_tried_again_and_buried_in_the_end(self, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chassis.consume.growing_delay", lambda _attempt: 0.05)
        handler = Calls(lambda _: ZeroDivisionError("oh"))
        async with consuming(bus, QUICK, handler):
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
            (letter,) = await wait_for_letters(bus, "signal", 1)

        assert len(handler.got) == QUICK.max_deliver
        assert letter.reason == "ZeroDivisionError: oh"

    async def test_a_failure_in_a_task_group_has_the_fate_of_what_is_in_it(self, bus: Bus) -> None:
        handler = Calls(lambda _: ExceptionGroup("group", [RejectedError("never")]))
        async with consuming(bus, QUICK, handler):
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
            (letter,) = await wait_for_letters(bus, "signal", 1)

        assert (letter.reason, letter.attempts) == ("never", 1)

    async def test_a_long_delay_becomes_a_schedule_and_keeps_its_count(self, bus: Bus) -> None:
        handler = Calls(lambda call: TransientError("flood", delay_s=31) if call == 1 else None)
        await bus.publish_batch([outgoing_send(1)])
        later: list[tuple[datetime, datetime]] = []
        publish_later = bus.publish_later
        began = CLOCK.now()

        async def sooner(message: Outgoing, at: datetime) -> None:
            later.append((at, CLOCK.now()))
            await publish_later(message, CLOCK.now() + timedelta(seconds=0.2))

        bus.publish_later = sooner  # type: ignore[method-assign]  # 31 seconds are too long for a test
        async with consuming(bus, catalogue.TELEGRAM_SENDS, handler):
            await handler.reach(2)

        assert handler.got == ["m:1", "m:1"]
        ((at, said_at),) = later
        assert began <= at - timedelta(seconds=31) <= said_at

    async def test_leaving_gives_back_what_is_in_hand(self, bus: Bus, provide: Provide) -> None:
        await provide(slow := replace(QUICK, name="test-slow", ack_wait_s=300))
        entered = asyncio.Event()

        async def hang(_message: SignalRaised, _stored: Stored) -> None:
            entered.set()
            await asyncio.Event().wait()

        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with running(consume(bus, slow, {catalogue.SIGNAL: hang}, clock=CLOCK)):
            await entered.wait()

        async with bus.deliveries(slow) as deliveries:
            assert (await soon(deliveries)).message.sequence == 1

    async def test_long_work_is_not_given_to_another(self, bus: Bus) -> None:
        calls: list[str] = []
        may_end, ended = asyncio.Event(), asyncio.Event()

        async def work(message: SignalRaised, _stored: Stored) -> None:
            calls.append(message.id)
            await may_end.wait()
            ended.set()

        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with running(consume(bus, QUICK, {catalogue.SIGNAL: work}, clock=CLOCK, concurrency=2)):
            await asyncio.sleep(QUICK.ack_wait_s * 2)
            may_end.set()
            async with asyncio.timeout(60):
                await ended.wait()

        assert calls == ["s:1"]

    async def test_messages_are_handled_side_by_side_up_to_the_limit(self, bus: Bus) -> None:
        at_once, met = asyncio.Barrier(3), asyncio.Event()

        async def meet(_message: SignalRaised, _stored: Stored) -> None:
            await at_once.wait()
            met.set()

        async with running(consume(bus, QUICK, {catalogue.SIGNAL: meet}, clock=CLOCK, concurrency=3)):
            for number in range(3):
                await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", "pullback")
            async with asyncio.timeout(60):
                await met.wait()

    async def test_a_topic_without_a_handler_is_buried(self, bus: Bus) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with running(consume(bus, QUICK, {}, clock=CLOCK)):
            (letter,) = await wait_for_letters(bus, "signal", 1)

        assert letter.reason == "no handler for signal.v1.GOLD.pullback"


class DeadLetterContract:
    """The collector and the way back."""

    async def test_a_poison_message_is_there_again_after_a_redrive(self, bus: Bus) -> None:
        handler = Calls(lambda _: RejectedError("poison"))
        await bus.publish_batch([outgoing_send(1)])
        async with consuming(bus, catalogue.TELEGRAM_SENDS, handler):
            (letter,) = await wait_for_letters(bus, "send", 1)
            await redrive(bus, letter, 1)
            await handler.reach(2)

            async def is_there_again() -> bool:
                return [found.sequence for found in await letters(bus, "send")] == [2]

            await eventually(is_there_again)

    async def test_a_redriven_message_that_is_handled_leaves_no_letter(self, bus: Bus) -> None:
        handler = Calls(lambda call: RejectedError("poison") if call == 1 else None)
        await bus.publish_batch([outgoing_send(1)])
        async with consuming(bus, catalogue.TELEGRAM_SENDS, handler):
            (letter,) = await wait_for_letters(bus, "send", 1)
            await redrive(bus, letter, 1)
            await handler.reach(2)

        assert await letters(bus, "send") == []

    async def test_what_fails_again_after_a_redrive_brings_its_history_with_it(self, bus: Bus) -> None:
        handler = Calls(lambda _: RejectedError("poison"))
        await bus.publish_batch([outgoing_send(1)])
        async with consuming(bus, catalogue.TELEGRAM_SENDS, handler):
            (first,) = await wait_for_letters(bus, "send", 1)
            for _ in range(2):
                ((found, letter),) = await bus.kept(catalogue.DEAD, count=9)
                await redrive(bus, letter, found.sequence)
                last = (await wait_for_letters(bus, "send", 1))[0]

        assert (first.redrives, first.attempts) == (0, 1)
        assert (last.redrives, last.attempts, last.first_at) == (2, 3, first.first_at)
        assert last.at > first.at
        assert (last.subject, last.payload) == (first.subject, first.payload)

    async def test_a_redrive_that_is_repeated_is_one_message(self, bus: Bus) -> None:
        handler = Calls(lambda call: RejectedError("poison") if call == 1 else None)
        await bus.publish_batch([outgoing_send(1)])
        async with consuming(bus, catalogue.TELEGRAM_SENDS, handler):
            (letter,) = await wait_for_letters(bus, "send", 1)
            await asyncio.gather(redrive(bus, letter, 1), redrive(bus, letter, 1))
            await redrive(bus, letter, 1)
            await bus.publish_batch([outgoing_send(2)])
            await handler.reach(3)

        assert handler.got == ["m:1", "m:1", "m:2"]

    async def test_a_letter_without_a_body_is_not_sent_again(self, bus: Bus) -> None:
        await bus.publish_batch([outgoing_send(1)])
        async with consuming(bus, catalogue.TELEGRAM_SENDS, Calls(lambda _: RejectedError("poison"))):
            (letter,) = await wait_for_letters(bus, "send", 1)

        with pytest.raises(NothingToSendError, match="no body"):
            await redrive(bus, msgspec.structs.replace(letter, payload=b""), 1)
        assert len(await letters(bus, "send")) == 1

    async def test_what_was_delivered_too_often_is_collected_out_of_its_queue(self, bus: Bus, provide: Provide) -> None:
        await provide(replace(catalogue.CHARTS_DRAW, ack_wait_s=0.3, max_deliver=2))
        consumer = replace(catalogue.CHARTS_DRAW, ack_wait_s=0.3, max_deliver=2)
        key = Outgoing(catalogue.CHART.subject("a"), b"crash me", "x")
        await bus.publish_batch([key])
        async with running(collect(bus, CLOCK)), bus.deliveries(consumer) as deliveries:
            await (await soon(deliveries)).nak(0.05)
            await (await soon(deliveries)).nak(0.05)
            waiting = asyncio.ensure_future(anext(deliveries))
            (letter,) = await wait_for_letters(bus, "chart", 1)
            waiting.cancel()

            async def is_out() -> bool:
                return await bus.read_stored("CHARTS", 1) is None

            await eventually(is_out)

        assert (letter.payload, letter.attempts, letter.stream) == (b"crash me", 2, "CHARTS")

    async def test_a_burial_of_our_own_is_not_collected_again(self, bus: Bus) -> None:
        await bus.publish_batch([outgoing_send(1)])
        async with consuming(bus, catalogue.TELEGRAM_SENDS, Calls(lambda _: RejectedError("poison"))):
            await wait_for_letters(bus, "send", 1)
        async with running(collect(bus, CLOCK)):

            async def is_read() -> bool:
                async with bus.deliveries(catalogue.COLLECTOR) as advisories:
                    try:
                        async with asyncio.timeout(0.2):
                            await anext(advisories)
                    except TimeoutError:
                        return True
                return False

            await eventually(is_read)

        assert len(await letters(bus, "send")) == 1

    async def test_what_somebody_terminated_is_collected(self, bus: Bus) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        async with bus.deliveries(catalogue.POSITIONS_SIGNALS) as deliveries:
            await (await soon(deliveries)).term("by hand")

        async with running(collect(bus, CLOCK)):
            (letter,) = await wait_for_letters(bus, "signal", 1)

        assert letter.sequence == 1

    async def test_an_advisory_that_is_none_stops_nobody(self, bus: Bus) -> None:
        subject = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.SIGNALS.x"
        good = b'{"stream": "SIGNALS", "consumer": "x", "stream_seq": 1, "deliveries": 4}'
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        await bus.publish_batch([Outgoing(subject, b"no json", "1"), Outgoing(subject, good, "2")])

        async with running(collect(bus, CLOCK)):
            (letter,) = await wait_for_letters(bus, "signal", 1)

        assert (letter.consumer, letter.attempts) == ("x", 4)
