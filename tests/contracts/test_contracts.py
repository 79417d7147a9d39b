"""The published language keeps its word: examples, subjects, ids."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import catalogue, channels, codec, ids
from contracts.messages import Interval, Mode, SendClass, Side, Tick

EXAMPLES = Path(catalogue.__file__).parent / "examples"
FILES = sorted(EXAMPLES.glob("*/*.json"))
TOPICS = {topic.name: topic for topic in catalogue.TOPICS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_golden_example_is_read_and_written_unchanged(file: Path) -> None:
    topic, golden = TOPICS[file.parent.name], json.loads(file.read_text())

    message = codec.decode(file.read_bytes(), topic.payload)

    assert _known(json.loads(codec.encode(message)), golden) == golden


def _known(written: Any, golden: Any) -> Any:
    """Leave out fields that came after the example: they have a default."""
    if isinstance(written, dict) and isinstance(golden, dict):
        return {name: _known(value, golden[name]) for name, value in written.items() if name in golden}
    return written


def test_every_topic_has_an_example() -> None:
    assert {file.parent.name for file in FILES} == set(TOPICS)


def test_every_member_of_the_send_content_has_an_example() -> None:
    tags = {json.loads(file.read_text())["content"]["type"] for file in FILES if file.parent.name == "send"}
    assert tags == {"signal", "outcome", "reduced", "stop", "pause", "summary", "feed", "text", "picture", "document"}


def test_every_topic_names_streams_and_rooms_that_exist() -> None:
    streams = {stream.name for stream in catalogue.STREAMS}
    rooms = {"feed", "signals", "positions", "charts", "telegram"}
    for topic in catalogue.TOPICS:
        assert topic.stream is None or topic.stream in streams
        assert rooms.issuperset(topic.producers + topic.consumers)
        assert topic.meaning


def test_every_consumer_reads_a_stream_that_captures_what_it_filters() -> None:
    stored = {
        stream.name: [t.stored for t in catalogue.TOPICS if t.stream == stream.name] for stream in catalogue.STREAMS
    }
    for consumer in catalogue.CONSUMERS:
        assert set(consumer.filters) <= set(stored[consumer.stream])
        assert consumer.ack_wait_s > 0
        assert 0 < consumer.max_deliver < 1000
        assert consumer.in_flight > 0


def test_every_stream_is_bounded() -> None:
    for stream in catalogue.STREAMS:
        assert stream.max_bytes > 0
        assert stream.max_age_s > 0 or stream.name == "SIGNALS"
        assert catalogue.stream_subjects(stream)


def test_a_subject_is_built_from_its_tokens() -> None:
    assert catalogue.CANDLE.subject("XAUUSD", Interval.M1) == "candle.v1.XAUUSD.M1"
    assert catalogue.POSITION_CLOSED.subject(42) == "position.v1.closed.42"
    assert catalogue.SEND.subject(SendClass.EXIT, -1001234) == "send.v1.exit.-1001234"


@pytest.mark.parametrize("token", ["", "a.b", "*", ">", "a b", "ä"])
def test_a_token_that_would_change_the_subject_is_refused(token: str) -> None:
    with pytest.raises(channels.BadTokenError, match="subject token"):
        catalogue.TICK.subject(token)


def test_the_wrong_number_of_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="takes"):
        catalogue.CANDLE.subject("XAUUSD")


def test_a_partitioned_topic_is_stored_behind_its_partition() -> None:
    assert catalogue.SEND.stored == "send.v1.*.*.*"
    assert catalogue.SEND.transform == ("send.v1.*.*", "send.v1.{{partition(16,2)}}.{{wildcard(1)}}.{{wildcard(2)}}")
    assert catalogue.POSITION_OPENED.stored == "position.v1.*.opened.*"
    assert catalogue.TICK.transform is None


def test_stored_subjects_are_found_by_some_of_their_tokens() -> None:
    assert catalogue.SEND.stored_like("exit", None) == "send.v1.*.exit.*"
    assert catalogue.SEND.stored_like(None, -7) == "send.v1.*.*.-7"
    assert catalogue.TICK.stored_like("XAUUSD") == "tick.v1.XAUUSD"
    assert catalogue.POSITION_OPENED.stored_like(None) == catalogue.POSITION_OPENED.stored
    with pytest.raises(ValueError, match="takes"):
        catalogue.SEND.stored_like("exit")


def test_one_stream_has_one_transform() -> None:
    for stream in catalogue.STREAMS:
        transforms = {t.transform for t in catalogue.TOPICS if t.stream == stream.name} - {None}
        assert len(transforms) <= 1


def test_asks_have_a_subject_each() -> None:
    subjects = [ask.subject for ask in catalogue.ASKS]
    assert len(set(subjects)) == len(subjects)
    assert all(subject.startswith("ask.v1.") for subject in subjects)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [(b"\xff", "Tick"), (b"{", "Tick"), (b"{}", "id"), (b'{"id":1}', "expected `str`|Expected `str`")],
)
def test_bytes_that_are_no_message_are_refused_with_a_reason(body: bytes, complaint: str) -> None:
    with pytest.raises(codec.MalformedError, match=complaint):
        codec.decode(body, Tick)


def test_interval_and_side_know_their_numbers() -> None:
    assert [interval.seconds for interval in Interval] == [60, 300, 900, 3600]
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


def test_mid_is_between_bid_and_ask() -> None:
    tick = codec.decode((EXAMPLES / "tick" / "live.json").read_bytes(), Tick)
    assert tick.mid == pytest.approx(4010.8)


def test_ids_are_pure_and_tell_things_apart() -> None:
    one = ids.signal_id("XAUUSD", "s", Mode.AUTO, Interval.M1, 60)
    assert one == ids.signal_id("XAUUSD", "s", Mode.AUTO, Interval.M1, 60)
    assert one != ids.signal_id("XAUUSD", "s", Mode.MANUAL, Interval.M1, 60)
    assert ids.position_id(one, 1) != ids.position_id(one, 2)
    assert ids.send_id("p", "signal") != ids.send_id("p", "outcome")
    assert ids.tick_id("X", 1, 1.0, 2.0) != ids.tick_id("X", 1, 1.0, 2.5)
    assert ids.candle_id("X", Interval.M1, 0) != ids.candle_id("X", Interval.M5, 0)
    assert ids.chart_key(("a", "bc")) != ids.chart_key(("ab", "c"))


@given(st.text(max_size=40))
def test_a_short_id_is_six_characters_nobody_mistakes(identity: str) -> None:
    short = ids.short_id(identity)
    assert len(short) == 6
    assert not set(short) & set("ILOU")
