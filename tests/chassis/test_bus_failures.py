"""What the bus does when the broker, a consumer or the connection dies."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import nkeys
import pytest

from chassis import metrics, streams
from chassis.bus import Delivery
from chassis.errors import StartError, TransientError
from chassis.nats_bus import NatsBus, connect
from chassis.nats_link import BusClosedError
from chassis.stream_reader import IDLE_S
from contracts import asks, catalogue, codec
from contracts.channels import Consumer
from tests.chassis.bus_contract import QUICK
from tests.chassis.bus_messages import draw, eventually, is_silent, outgoing_send, quote, signal, soon, take, tick
from tests.nats_server import NatsServer
from tests.shared import ROOT

pytestmark = pytest.mark.real


@pytest.fixture
async def bus(own_nats_server: NatsServer) -> AsyncIterator[NatsBus]:
    async with connect(own_nats_server.url, name="positions", wait_s=60) as bus:
        yield bus


@asynccontextmanager
async def worker(url: str, consumer: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A consumer in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chassis.bus_worker", url, consumer, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def sequences_of(process: asyncio.subprocess.Process, count: int) -> list[int]:
    """What a worker says it took; log lines are passed over."""
    assert process.stdout is not None
    taken: list[int] = []
    async with asyncio.timeout(60):
        while len(taken) < count:
            line = (await process.stdout.readline()).strip()
            if line.isdigit():
                taken.append(int(line))
    return taken


PINNED = Consumer("test-pinned", "TICKS", (catalogue.TICK.stored,), "test", in_flight=2048, pinned=True)


class TestBrokerKilled:
    async def test_nothing_acknowledged_is_lost_or_doubled(self, bus: NatsBus, own_nats_server: NatsServer) -> None:
        """Kill −9 and restart twice in the middle of twenty publishers."""
        total = 3000
        numbers = iter(range(total))
        acknowledged: list[int] = []

        async def publish() -> None:
            for number in numbers:
                await bus.publish(catalogue.SIGNAL, signal(number), "GOLD", "pullback")
                acknowledged.append(number)

        async def kill() -> None:
            for share in (0.2, 0.6):
                await eventually(lambda share=share: _is_reached(acknowledged, total * share))
                own_nats_server.kill()
                await asyncio.sleep(0.3)
                own_nats_server.start()

        async with asyncio.TaskGroup() as group:
            group.create_task(kill())
            for _ in range(20):
                group.create_task(publish())

        kept = [message.id for message in await bus.latest(catalogue.SIGNAL, "GOLD", "pullback", count=2 * total)]
        assert len(acknowledged) == total
        assert sorted(kept) == sorted(f"s:{number}" for number in range(total))

    async def test_atomic_batches_are_neither_lost_nor_doubled(self, bus: NatsBus, own_nats_server: NatsServer) -> None:
        async def publish() -> None:
            for start in range(0, 2000, 200):
                await bus.publish_batch([outgoing_send(number) for number in range(start, start + 200)])

        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(publish())
            await asyncio.sleep(0.1)
            own_nats_server.kill()
            own_nats_server.start()
            await publishing

        async with bus.deliveries(replace(catalogue.TELEGRAM_SENDS, in_flight=1000)) as deliveries:
            got: list[str] = []
            async with asyncio.timeout(60):
                while len(got) < 2000:
                    delivery = await anext(deliveries)
                    got.append(codec.decode(delivery.message.body, catalogue.SEND.payload).id)
                    await delivery.ack()
            assert await is_silent(deliveries)
        assert got == [f"m:{number}" for number in range(2000)]

    async def test_consumers_readers_and_talk_resume_in_seconds(
        self, bus: NatsBus, own_nats_server: NatsServer
    ) -> None:
        async def evaluate(_request: asks.EvaluateNow) -> asks.Evaluation:
            return asks.Evaluation(signal=None)

        await streams.apply(bus, streams=(), consumers=(QUICK, PINNED), buckets=())
        async with (
            bus.deliveries(QUICK) as deliveries,
            bus.deliveries(PINNED) as pinned,
            bus.replay(catalogue.SIGNAL) as replay,
            bus.follow(catalogue.TICK) as follow,
            bus.listen(catalogue.QUOTE) as quotes,
            bus.answer(catalogue.EVALUATE, evaluate),
        ):
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
            await bus.publish(catalogue.TICK, tick(1), "GOLD")
            await (await soon(deliveries)).ack()
            await (await soon(pinned)).ack()
            await anext(replay)
            await anext(follow)

            own_nats_server.kill()
            await eventually(lambda: _is_lost(bus))
            own_nats_server.start()

            async with asyncio.timeout(60):
                await bus.publish(catalogue.SIGNAL, signal(2), "GOLD", "pullback")
                await bus.publish(catalogue.TICK, tick(2), "GOLD")
                await _until(deliveries, "s:2")
                await _until(pinned, "t:GOLD:2")
                assert (await anext(replay))[1].id == "s:2"
                while (await anext(follow)).epoch_ms != 2:
                    pass
                await bus.tell(catalogue.QUOTE, quote(2), "GOLD")
                assert (await anext(quotes)).epoch_ms == 2
                await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=60)

    async def test_publishing_into_nothing_fails_in_time(
        self, bus: NatsBus, own_nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chassis.publisher.GIVE_UP_S", 0.5)
        own_nats_server.kill()

        with pytest.raises(TransientError):
            await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        with pytest.raises(TransientError):
            await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"))
        with pytest.raises(TransientError):
            await bus.latest(catalogue.SIGNAL, "GOLD", "pullback")
        await bus.tell(catalogue.QUOTE, quote(1), "GOLD")

    async def test_a_question_in_the_air_fails_when_the_broker_dies(
        self, bus: NatsBus, own_nats_server: NatsServer
    ) -> None:
        asked = asyncio.Event()

        async def never(_request: asks.EvaluateNow) -> asks.Evaluation:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with asyncio.timeout(60), bus.answer(catalogue.EVALUATE, never):
            question = asyncio.ensure_future(
                bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol="GOLD"), deadline_s=60)
            )
            await asked.wait()
            own_nats_server.kill()
            with pytest.raises(TransientError, match="lost before the answer"):
                await question

    async def test_what_was_unsettled_at_the_kill_comes_again(self, bus: NatsBus, own_nats_server: NatsServer) -> None:
        await bus.publish_batch([outgoing_send(number) for number in range(10)])
        async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
            got = await take(deliveries, 5)
            await got[0].ack()
            await bus.link.sync()

            own_nats_server.kill()
            own_nats_server.start()

            async with asyncio.timeout(60):
                seen: list[int] = []
                while len(seen) < 9 or seen[-9:] != list(range(2, 11)):
                    seen.append((await anext(deliveries)).message.sequence)


class TestReadersLeft:
    async def test_reading_once_leaves_nothing_at_the_broker(self, bus: NatsBus) -> None:
        await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
        for _ in range(30):
            await bus.latest(catalogue.SIGNAL, "GOLD", "pullback", count=5)

        async def is_only_the_durable_one() -> bool:
            info = await bus.link.call("STREAM.INFO.SIGNALS")
            return bool(info["state"]["consumer_count"] == 1)

        await eventually(is_only_the_durable_one, IDLE_S - 5)


class TestConsumerKilled:
    @pytest.mark.alone
    async def test_a_pinned_consumer_fails_over_in_order_within_six_seconds(self, own_nats_server: NatsServer) -> None:
        url = own_nats_server.url
        async with connect(url, name="standby", wait_s=60) as bus, worker(url, "telegram-sends") as owner:
            await bus.publish_batch([outgoing_send(number) for number in range(20)])
            await sequences_of(owner, 20)
            async with bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries:
                assert await is_silent(deliveries, 1)

                started = asyncio.get_running_loop().time()
                owner.kill()
                got = [delivery.message.sequence for delivery in await take(deliveries, 20)]

            assert got == list(range(1, 21))
            assert asyncio.get_running_loop().time() - started < 6

    @pytest.mark.alone
    async def test_an_idle_owner_keeps_its_pin(self, bus: NatsBus, own_nats_server: NatsServer) -> None:
        async with (
            connect(own_nats_server.url, name="standby", wait_s=60) as other,
            bus.deliveries(catalogue.TELEGRAM_SENDS) as deliveries,
        ):
            await bus.publish_batch([outgoing_send(1)])
            held = await soon(deliveries)
            async with other.deliveries(catalogue.TELEGRAM_SENDS) as others:
                assert await is_silent(others, 4.5)
                await bus.publish_batch([outgoing_send(2)])
                assert (await soon(deliveries)).message.sequence == 2
                await held.ack()

    async def test_an_unpinned_consumer_gives_again_after_ack_wait(
        self, bus: NatsBus, own_nats_server: NatsServer
    ) -> None:
        quick = replace(catalogue.CHARTS_DRAW, ack_wait_s=5)
        await streams.apply(bus, streams=(), consumers=(quick,), buckets=())
        async with worker(own_nats_server.url, "charts-draw") as other:
            await bus.publish(catalogue.CHART, draw("a"), "a")
            await sequences_of(other, 1)
            other.kill()
            async with bus.deliveries(quick) as deliveries:
                again = await soon(deliveries)

        assert (again.message.sequence, again.attempt) == (1, 2)


class TestConnecting:
    async def test_a_broker_that_is_not_there_is_told_by_the_setting(self) -> None:
        with pytest.raises(
            StartError, match=r"SINYAL_NATS_URL: no NATS server answers at nats://127\.0\.0\.1:1 within"
        ):
            async with connect("nats://127.0.0.1:1", name="feed", wait_s=0.7):
                pass

    async def test_a_url_that_is_none_is_told_by_the_setting(self) -> None:
        with pytest.raises(StartError, match="SINYAL_NATS_URL"):
            async with connect("nats://:x:y", name="feed", wait_s=0.7):
                pass

    async def test_a_seed_that_is_none_is_told_by_the_setting(self, nats: str) -> None:
        with pytest.raises(StartError, match="SINYAL_NATS_SEED"):
            async with connect(nats, name="feed", seed="SUNOSEED", wait_s=60):
                pass

    async def test_a_broker_that_comes_late_is_waited_for(self, own_nats_server: NatsServer) -> None:
        own_nats_server.kill()

        async def come() -> None:
            await asyncio.sleep(0.5)
            own_nats_server.start()

        async with asyncio.TaskGroup() as group:
            group.create_task(come())
            async with connect(own_nats_server.url, name="feed", wait_s=60) as bus:
                assert bus.is_connected

    async def test_the_second_of_two_servers_is_enough(self, nats: str) -> None:
        async with connect(f"nats://127.0.0.1:1, {nats}", name="feed", wait_s=60) as bus:
            assert bus.is_connected

    async def test_the_body_of_a_connection_raises_what_it_raises(self, nats: str) -> None:
        with pytest.raises(ZeroDivisionError):
            async with connect(nats, name="feed", wait_s=60):
                raise ZeroDivisionError


class TestUsers:
    """A server that knows its users by nkey."""

    async def test_a_login_that_is_refused_is_told_by_the_setting(self, own_nats_server: NatsServer) -> None:
        seed, _ = _new_user()
        own_nats_server.restart(_users(_new_user()[1]))

        with pytest.raises(StartError, match="SINYAL_NATS_SEED: the broker at SINYAL_NATS_URL refuses this login"):
            async with connect(own_nats_server.url, name="feed", seed=seed, wait_s=60):
                pass

    async def test_a_user_that_is_taken_away_ends_the_body(self, own_nats_server: NatsServer) -> None:
        seed, public = _new_user()
        own_nats_server.restart(_users(public))

        async def live() -> None:
            async with connect(own_nats_server.url, name="feed", seed=seed, wait_s=60):
                own_nats_server.reload(_users(_new_user()[1]))
                await asyncio.Event().wait()

        with pytest.raises(BusClosedError):
            async with asyncio.timeout(60):
                await live()

    async def test_a_denied_publish_is_counted(self, own_nats_server: NatsServer) -> None:
        seed, public = _new_user()
        own_nats_server.restart(_users(public, 'permissions: { publish: ["quote.>"] }'))
        counter = metrics.BUS_ERRORS.labels("permission")._value
        before = counter.get()

        async with connect(own_nats_server.url, name="feed", seed=seed, wait_s=60) as bus:
            await bus.link.send("tick.v1.GOLD", b"{}")

            async def is_counted() -> bool:
                return bool(counter.get() > before)

            await eventually(is_counted)


def _new_user() -> tuple[str, str]:
    """A seed and its public key."""
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    return seed.decode(), nkeys.from_seed(bytearray(seed)).public_key.decode()


def _users(public: str, permissions: str = "") -> str:
    return f"authorization: {{ users: [ {{ nkey: {public}, {permissions} }} ] }}\n"


async def _is_reached(done: list[int], count: float) -> bool:
    return len(done) >= count


async def _is_lost(bus: NatsBus) -> bool:
    return not bus.is_connected


async def _until(deliveries: AsyncIterator[Delivery], identity: str) -> None:
    """Settle what comes until a message is there; what the broker forgot to be acknowledged comes again before it."""
    while True:
        delivery = await anext(deliveries)
        await delivery.ack()
        if delivery.message.headers["Nats-Msg-Id"] == identity:
            return
