"""Users of the broker on a real server: each room lives its life with its own seed, and all else is refused."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chassis import metrics, streams
from chassis.answering import Reply, unpack
from chassis.broker_users import OPERATOR, PROVISIONER, RECORDER, ROOMS, USERS, broker_users, inbox
from chassis.bus import Delivery, Outgoing
from chassis.errors import AskFailedError, StartError
from chassis.nats_bus import ERROR_HEADER, NatsBus, connect
from chassis.nats_link import ApiError
from contracts import catalogue, codec
from contracts.channels import Ask, Bucket, Consumer, Stream, Topic
from tests.broker_users import Ring
from tests.nats_server import NatsServer, running_server
from tests.shared import ROOT

pytestmark = pytest.mark.real

STORED = [topic for topic in catalogue.TOPICS if topic.stream is not None]
TOLD = [topic for topic in catalogue.TOPICS if topic.stream is None]
WITHIN_S = 60.0


class Guarded:
    """A server with users, and the rings of keys to it."""

    def __init__(self, server: NatsServer, ring: Ring) -> None:
        self.url, self.ring = server.url, ring

    @asynccontextmanager
    async def users(self, *names: str) -> AsyncIterator[list[NatsBus]]:
        """Connect as these users; nothing may be refused meanwhile."""
        before = refused()
        async with contextlib.AsyncExitStack() as opened:
            yield [await opened.enter_async_context(self.ring.connect(self.url, name)) for name in names]
            assert refused() == before


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server that knows its users, with the streams of the catalogue."""
    ring = Ring(tmp_path_factory.mktemp("keys"))
    with running_server() as server:
        server.restart(ring.configuration)
        guarded = Guarded(server, ring)
        asyncio.run(_apply(guarded))
        yield guarded


async def _apply(guarded: Guarded) -> None:
    async with guarded.users(PROVISIONER) as (bus,):
        await streams.apply(bus)


def refused() -> float:
    """Tell how often the broker refused something to a connection of this process."""
    return metrics.BUS_ERRORS.labels("permission")._value.get()


async def until_refused(count: float) -> None:
    """Wait until so many refusals were counted."""
    async with asyncio.timeout(WITHIN_S):
        while refused() < count:
            await asyncio.sleep(0.005)


def subject_of(topic: Topic[Any], token: str = "7") -> str:
    """A subject on which the topic is published."""
    return topic.published.replace("*", token)


def example(topic: Topic[Any]) -> bytes:
    """A body of the topic, one of the golden ones."""
    return next(iter(sorted(Path(ROOT, "contracts/examples", topic.name).glob("*.json")))).read_bytes()


def pairs(names: str) -> list[Any]:
    """List who does what, by the catalogue."""
    found = [(one, room) for one in catalogue.TOPICS + catalogue.ASKS for room in getattr(one, names, ())]
    return [pytest.param(one, room, id=f"{room}-{getattr(one, 'name', getattr(one, 'subject', ''))}")
            for one, room in found]  # fmt: skip


# --- what each may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("topic", "room"), pairs("producers"))
async def test_a_room_says_what_the_catalogue_has_it_say(guarded: Guarded, topic: Topic[Any], room: str) -> None:
    async with guarded.users(room) as (bus,):
        if topic.stream is None:
            await bus.link.send(subject_of(topic), b"{}")
            await bus.link.sync()
        else:
            await bus.publish_batch([Outgoing(subject_of(topic, room), b"{}", f"{room}:{topic.name}")])


@pytest.mark.parametrize("consumer", catalogue.CONSUMERS, ids=lambda one: one.name)
async def test_a_room_pulls_and_settles_its_own_consumers(guarded: Guarded, consumer: Consumer) -> None:
    topic = next((topic for topic in STORED if topic.stored in consumer.filters), None)
    async with guarded.users(consumer.room, topic.producers[0] if topic else OPERATOR) as (bus, producer):
        async with bus.deliveries(consumer) as deliveries:
            if topic is not None:
                await producer.publish_batch([Outgoing(subject_of(topic, "9"), b"{}", f"to {consumer.name}")])
                delivery = await soon(deliveries)
                await delivery.in_progress()
                await delivery.nak(0.05)
                await (await soon(deliveries)).ack()
        await bus.link.sync()


async def soon(deliveries: AsyncIterator[Delivery]) -> Delivery:
    """Take the next delivery."""
    async with asyncio.timeout(WITHIN_S):
        return await anext(deliveries)


READERS = [(stream, room) for stream in catalogue.STREAMS for room in stream.readers]


@pytest.mark.parametrize(("stream", "room"), READERS, ids=lambda one: getattr(one, "name", one))
async def test_a_room_looks_into_the_streams_that_it_reads(guarded: Guarded, stream: Stream, room: str) -> None:
    topic = next(topic for topic in STORED if topic.stream == stream.name)
    async with guarded.users(topic.producers[0], room) as (producer, bus):
        await producer.publish_batch([Outgoing(subject_of(topic, "5"), example(topic), f"read by {room}")])
        assert await bus.next_stored(topic, *(None for token in topic.tokens if token[0] != "="))
        if stream.retention is not catalogue.Retention.WORK_QUEUE:
            assert await bus.kept(topic, count=10)
            async with asyncio.timeout(WITHIN_S), bus.follow(topic) as told, bus.replay(topic) as replayed:
                await anext(told)
                await anext(replayed)


@pytest.mark.parametrize(("question", "room"), pairs("askers"))
async def test_a_room_asks_and_is_answered(guarded: Guarded, question: Ask[Any, Any], room: str) -> None:
    async def answer(_asked: Any) -> Any:
        raise AssertionError("not a question")

    async with guarded.users(question.room, room) as (answering, asking), answering.answer(question, answer):
        reply = await asking.link.request(question.subject, b"no question", WITHIN_S)
        await answering.link.sync()
    with pytest.raises(AskFailedError) as failed:
        unpack(question, Reply(reply.data, (reply.headers or {}).get(ERROR_HEADER)))
    assert failed.value.code == "malformed"


@pytest.mark.parametrize("topic", TOLD, ids=lambda one: one.name)
async def test_whoever_listens_hears_what_is_told(guarded: Guarded, topic: Topic[Any]) -> None:
    for room in topic.consumers:
        async with guarded.users(topic.producers[0], room) as (producer, bus), bus.listen(topic) as told:
            await producer.link.send(subject_of(topic), example(topic))
            async with asyncio.timeout(WITHIN_S):
                await anext(told)


@pytest.mark.parametrize("bucket", catalogue.BUCKETS, ids=lambda one: one.name)
async def test_files_are_put_and_got_by_those_who_may(guarded: Guarded, bucket: Bucket) -> None:
    async with guarded.users(*bucket.writers, *bucket.readers) as buses:
        writers, readers = buses[: len(bucket.writers)], buses[len(bucket.writers) :]
        for writer in writers:
            for body in (b"x" * 300_000, b"y" * 10):
                await writer.put(bucket, "key", body)
                assert [await reader.get(bucket, "key") for reader in readers] == [body] * len(readers)
        assert [await reader.get(bucket, "nothing") for reader in readers] == [None] * len(readers)


async def test_the_collector_buries_and_clears_and_the_operator_sends_again(guarded: Guarded) -> None:
    async with guarded.users("telegram", "positions", OPERATOR) as (telegram, positions, operator):
        send = Outgoing(catalogue.SEND.subject("reply", 3), b"{}", "to be removed")
        await positions.publish_batch([send])
        stored = await telegram.next_stored(catalogue.SEND, None, 3)
        assert stored is not None
        await telegram.remove_stored("SENDS", stored.sequence)
        await telegram.publish_batch([Outgoing(catalogue.DEAD.subject("send"), example(catalogue.DEAD), "letter")])
        (number, _), *_ = await operator.kept(catalogue.DEAD, count=1)
        await operator.publish_batch([Outgoing(catalogue.SIGNAL.subject("GOLD", "x"), b"{}", "again")])
        await operator.remove_stored("DEAD", number.sequence)


async def test_the_recorder_reads_ticks(guarded: Guarded) -> None:
    async with guarded.users("feed", RECORDER) as (feed, recorder):
        await feed.publish_batch([Outgoing(catalogue.TICK.subject("REC"), example(catalogue.TICK), "recorded")])
        async with asyncio.timeout(WITHIN_S), recorder.replay(catalogue.TICK, tokens=("REC",)) as ticks:
            await anext(ticks)


# --- what nobody may --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
async def test_another_rooms_subjects_are_refused_counted_and_nothing_is_stored(guarded: Guarded, room: str) -> None:
    foreign = [subject_of(topic, "666") for topic in catalogue.TOPICS if room not in topic.producers]
    foreign += [question.subject for question in catalogue.ASKS if room not in question.askers]
    foreign += [f"$O.{bucket.name}.C.x" for bucket in catalogue.BUCKETS if room not in bucket.writers]
    foreign += [f"{inbox(other)[:-1]}x" for other in USERS if other != room]
    async with guarded.ring.connect(guarded.url, room) as bus, guarded.ring.connect(guarded.url, PROVISIONER) as admin:
        before, kept = refused(), await stored(admin)
        for subject in foreign:
            await bus.link.send(subject, b"{}")
        await until_refused(before + len(foreign))
        assert await stored(admin) == kept
        assert refused() == before + len(foreign)


async def stored(admin: NatsBus) -> dict[str, int]:
    """Tell the last sequence of each stream."""
    names = [*(stream.name for stream in catalogue.STREAMS), *(f"OBJ_{bucket.name}" for bucket in catalogue.BUCKETS)]
    return {name: (await admin.link.call(f"STREAM.INFO.{name}"))["state"]["last_seq"] for name in names}


@pytest.mark.parametrize("room", ROOMS)
async def test_another_rooms_consumers_and_the_streams_themselves_are_out_of_reach(guarded: Guarded, room: str) -> None:
    others = [consumer for consumer in catalogue.CONSUMERS if consumer.room != room]
    asked = [f"$JS.API.CONSUMER.{verb}.{one.stream}.{one.name}" for one in others
             for verb in ("MSG.NEXT", "INFO", "RESET", "DELETE", "UNPIN", "DURABLE.CREATE")]  # fmt: skip
    asked += [f"$JS.ACK.{one.stream}.{one.name}.1.1.1.1.1" for one in others]
    asked += [f"$JS.API.STREAM.{verb}.{stream.name}" for stream in catalogue.STREAMS
              for verb in ("DELETE", "PURGE", "UPDATE", "CREATE")]  # fmt: skip
    async with guarded.ring.connect(guarded.url, room) as bus:
        before = refused()
        for subject in asked:
            await bus.link.send(subject, b"{}", reply=f"{inbox(room)[:-1]}x")
        await until_refused(before + len(asked))
        assert refused() == before + len(asked)


@pytest.mark.parametrize("room", ROOMS)
async def test_nobody_hears_what_is_not_for_him(guarded: Guarded, room: str) -> None:
    foreign = [">", "$JS.>", "send.v1.>", "_INBOX.>", *(inbox(other) for other in USERS if other != room)]
    foreign += [question.subject for question in catalogue.ASKS if room != question.room]
    async with guarded.ring.connect(guarded.url, room) as bus:
        before = refused()
        for subject in foreign:
            await bus.link.subscribe(subject, lambda _heard: None)
        await until_refused(before + len(foreign))


async def test_a_reader_cannot_make_another_rooms_consumer_its_own(guarded: Guarded) -> None:
    """The feed reads CANDLES, where the consumer of signals lies: by its name it gets neither it nor one like it."""
    durable = catalogue.SIGNALS_CANDLES
    config = {"ack_policy": "none", "deliver_policy": "all", "filter_subject": "candle.v1.NONE.M1"}
    async with (
        guarded.ring.connect(guarded.url, "feed") as bus,
        guarded.ring.connect(guarded.url, PROVISIONER) as admin,
    ):
        path = f"CONSUMER.INFO.{durable.stream}.{durable.name}"
        before = (await admin.link.call(path))["config"]
        for names in ({"name": durable.name}, {"durable_name": durable.name}):
            for action in ("", "create", "update"):
                body = {"stream_name": durable.stream, "config": config | names, "action": action}
                with pytest.raises(ApiError):
                    await bus.link.call(f"CONSUMER.CREATE.{durable.stream}", body)
        assert (await admin.link.call(path))["config"] == before


async def test_who_has_no_seed_or_a_strangers_is_not_let_in(guarded: Guarded, tmp_path: Path) -> None:
    for seed in (None, Ring(tmp_path).seed("feed")):
        with pytest.raises(StartError, match="SINYAL_NATS_SEED"):
            async with connect(guarded.url, name="feed", seed=seed, wait_s=WITHIN_S):
                pytest.fail("let in")


def test_a_user_may_nothing_by_wildcard_that_is_not_below_its_own_names() -> None:
    for user in broker_users():
        wide = [subject for subject in user.publish if subject.startswith((">", "*", "$JS.API.STREAM.*", "$JS.API.>"))]
        assert wide == (["$JS.API.>"] if user.name == PROVISIONER else [])
        assert all(
            subject.startswith((f"_INBOX_{user.name}.", "ask.v1.", "quote.", "drawn.")) for subject in user.subscribe
        )


def test_bodies_of_the_examples_are_messages() -> None:
    assert all(codec.decode(example(topic), topic.payload) for topic in STORED)
