"""Provisioning: idempotent, complete, and never at the price of data."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chassis import streams
from chassis.errors import RejectedError
from chassis.nats_bus import NatsBus, connect
from chassis.streams import DataLossError, Outcome
from contracts import catalogue
from contracts.channels import Consumer, Retention, Stream
from tests.chassis.bus_messages import candle, outgoing_send, signal

pytestmark = pytest.mark.real

SENDS = next(stream for stream in catalogue.STREAMS if stream.name == "SENDS")
CANDLES = next(stream for stream in catalogue.STREAMS if stream.name == "CANDLES")
SIGNALS = next(stream for stream in catalogue.STREAMS if stream.name == "SIGNALS")


@pytest.fixture
async def bus(nats: str) -> AsyncIterator[NatsBus]:
    async with connect(nats, name="provisioner", wait_s=60) as bus:
        yield bus


async def apply_stream(bus: NatsBus, stream: Stream, *, may_lose_data: bool = False) -> streams.Change:
    """Apply one stream alone."""
    (change,) = await streams.apply(bus, streams=(stream,), consumers=(), buckets=(), may_lose_data=may_lose_data)
    return change


async def apply_consumer(bus: NatsBus, consumer: Consumer) -> streams.Change:
    """Apply one consumer alone."""
    (change,) = await streams.apply(bus, streams=(), consumers=(consumer,), buckets=())
    return change


async def config_of(bus: NatsBus, path: str) -> streams.Config:
    """The server's own words."""
    config: streams.Config = (await bus.link.call(path))["config"]
    return config


async def test_a_second_apply_changes_nothing(bus: NatsBus) -> None:
    changes = await streams.apply(bus)

    assert {change.outcome for change in changes} == {Outcome.UNCHANGED}
    assert len(changes) == len(catalogue.STREAMS) + len(catalogue.CONSUMERS) + len(catalogue.BUCKETS)


async def test_what_is_missing_is_made_again(bus: NatsBus) -> None:
    await bus.link.call("STREAM.DELETE.SENDS")

    changes = await streams.apply(bus)

    created = [(change.kind, change.name) for change in changes if change.outcome is Outcome.CREATED]
    assert created == [("stream", "SENDS"), ("consumer", "telegram-sends")]


async def test_an_update_says_what_it_changed(bus: NatsBus) -> None:
    change = await apply_stream(bus, replace(SENDS, dedupe_s=60))

    assert change.outcome is Outcome.UPDATED
    assert change.details == ("duplicate_window: 3600000000000 → 60000000000",)
    assert (await config_of(bus, "STREAM.INFO.SENDS"))["duplicate_window"] == 60_000_000_000


async def test_an_update_leaves_alone_what_the_catalogue_does_not_say(bus: NatsBus) -> None:
    config = await config_of(bus, "STREAM.INFO.SENDS")
    await bus.link.call("STREAM.UPDATE.SENDS", {**config, "description": "written by a person"})

    await apply_stream(bus, replace(SENDS, dedupe_s=60))

    assert (await config_of(bus, "STREAM.INFO.SENDS"))["description"] == "written by a person"


async def test_every_stream_and_consumer_is_bounded(bus: NatsBus) -> None:
    for stream in catalogue.STREAMS:
        config = await config_of(bus, f"STREAM.INFO.{stream.name}")
        assert config["max_bytes"] > 0
        assert config["max_age"] > 0 or stream.name == "SIGNALS"
        assert config["storage"] == "file"
    for consumer in catalogue.CONSUMERS:
        config = await config_of(bus, f"CONSUMER.INFO.{consumer.stream}.{consumer.name}")
        assert config["ack_policy"] == "explicit"
        assert config["ack_wait"] > 0
        assert config["max_deliver"] > 0
        assert config["max_ack_pending"] == consumer.in_flight


async def test_partitions_are_whole_tokens(bus: NatsBus) -> None:
    transform = (await config_of(bus, "STREAM.INFO.SENDS"))["subject_transform"]

    assert transform["dest"] == "send.v1.{{partition(16,2)}}.{{wildcard(1)}}.{{wildcard(2)}}"


async def test_what_may_not_be_forgotten_is_refused_when_full(bus: NatsBus) -> None:
    assert (await config_of(bus, "STREAM.INFO.SIGNALS"))["discard"] == "new"
    assert (await config_of(bus, "STREAM.INFO.UPDATES"))["discard"] == "new"
    assert (await config_of(bus, "STREAM.INFO.TICKS"))["discard"] == "old"


async def test_a_pinned_consumer_keeps_its_policy_through_an_update(bus: NatsBus) -> None:
    change = await apply_consumer(bus, replace(catalogue.TELEGRAM_SENDS, max_deliver=51))

    config = await config_of(bus, "CONSUMER.INFO.SENDS.telegram-sends")
    assert change.details == ("max_deliver: 50 → 51",)
    assert (config["priority_policy"], config["priority_timeout"]) == ("pinned_client", 3_000_000_000)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (replace(SENDS, max_bytes=100), "max_bytes 100 is less than"),
        (replace(SENDS, retention=Retention.LIMITS), "retention is workqueue for life"),
        (replace(SENDS, written_behind=True, atomic=False, schedules=False, extra_subjects=()), "persist_mode is"),
    ],
)
async def test_a_change_that_would_lose_data_is_refused(bus: NatsBus, stream: Stream, reason: str) -> None:
    await bus.publish_batch([outgoing_send(number) for number in range(20)])

    with pytest.raises(DataLossError, match=reason):
        await apply_stream(bus, stream)

    assert (await config_of(bus, "STREAM.INFO.SENDS"))["max_bytes"] == SENDS.max_bytes


async def test_fewer_per_subject_than_are_stored_is_refused(bus: NatsBus) -> None:
    for number in range(5):
        await bus.publish(catalogue.CANDLE, candle(number), "GOLD", "M1")

    with pytest.raises(DataLossError, match="max_msgs_per_subject 3 is less than the 5 of one subject"):
        await apply_stream(bus, replace(CANDLES, per_subject=3))


async def test_an_age_that_would_end_what_is_stored_is_refused(bus: NatsBus, monkeypatch: pytest.MonkeyPatch) -> None:
    await bus.publish(catalogue.SIGNAL, signal(1), "GOLD", "pullback")
    info = await bus.link.call("STREAM.INFO.SIGNALS", {"subjects_filter": ">"})
    info["state"]["first_ts"] = "2020-01-01T00:00:00.123456789Z"
    call = bus.link.call

    async def years_later(subject: str, body: object = None) -> object:
        return info if subject == "STREAM.INFO.SIGNALS" else await call(subject, body)

    monkeypatch.setattr(bus.link, "call", years_later)
    with pytest.raises(DataLossError, match="max_age 86400 s is less than the age"):
        await apply_stream(bus, replace(SIGNALS, max_age_s=86_400))


async def test_smaller_limits_that_fit_are_no_loss(bus: NatsBus) -> None:
    await bus.publish_batch([outgoing_send(1)])

    assert (await apply_stream(bus, replace(SENDS, max_bytes=1_000_000))).outcome is Outcome.UPDATED


async def test_data_may_be_lost_when_somebody_says_so(bus: NatsBus) -> None:
    for number in range(5):
        await bus.publish(catalogue.CANDLE, candle(number), "GOLD", "M1")

    await apply_stream(bus, replace(CANDLES, per_subject=3), may_lose_data=True)

    assert len(await bus.latest(catalogue.CANDLE, "GOLD", "M1", count=9)) == 3


async def test_nothing_is_changed_when_one_thing_is_refused(bus: NatsBus) -> None:
    await bus.publish_batch([outgoing_send(1)])

    with pytest.raises(DataLossError):
        await streams.apply(
            bus,
            streams=(replace(CANDLES, dedupe_s=60), replace(SENDS, retention=Retention.LIMITS)),
            consumers=(),
            buckets=(),
        )

    assert (await config_of(bus, "STREAM.INFO.CANDLES"))["duplicate_window"] == CANDLES.dedupe_s * 1_000_000_000


async def test_where_a_consumer_begins_cannot_be_changed(bus: NatsBus) -> None:
    with pytest.raises(DataLossError, match="deliver_policy is all for life"):
        await apply_consumer(bus, replace(catalogue.POSITIONS_SIGNALS, only_new=True))


async def test_what_the_server_refuses_is_told_with_its_reason(bus: NatsBus) -> None:
    overlapping = Consumer("second", "SENDS", (catalogue.SEND.stored,), "telegram")

    with pytest.raises(RejectedError, match=r"consumer second: .*unique"):
        await apply_consumer(bus, overlapping)
