"""Wildcards and transforms, as the server has them; the contract of the bus compares partitions with the server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.subjects import matches, order_key, partition, published_of, topic_of, transformed
from contracts import catalogue
from contracts.channels import Topic

TOKENS = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("pattern", "subject", "does"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.*.c", "a.b.c", True),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        ("a.b", "a.c", False),
        ("a.b.c", "a.b", False),
    ],
)
def test_wildcards(pattern: str, subject: str, does: bool) -> None:
    assert matches(pattern, subject) is does


def test_the_partition_is_fnv_1a_of_32_bits() -> None:
    """Source: the published test vectors of FNV: "" is 0x811c9dc5, "a" is 0xe40c292c, "foobar" is 0xbf9cf968."""
    assert partition("", 1 << 32) == 0x811C9DC5
    assert partition("a", 1 << 32) == 0xE40C292C
    assert partition("foobar", 1 << 32) == 0xBF9CF968


@given(st.sampled_from([topic for topic in catalogue.TOPICS if topic.stream]), st.lists(TOKENS, min_size=2, max_size=2))
def test_a_published_subject_survives_its_stream(topic: Topic, tokens: list[str]) -> None:
    free = sum(not token.startswith("=") for token in topic.tokens)
    published = topic.subject(*tokens[:free])

    stored = transformed(published, topic.transform)

    assert matches(topic.stored, stored)
    assert topic_of(stored) is topic
    assert published_of(stored) == published


def test_a_subject_of_no_topic_stays_as_it_is() -> None:
    assert topic_of("nobody.v1.x") is None
    assert published_of("nobody.v1.x") == "nobody.v1.x"
    assert transformed("nobody.v1.x", ("send.v1.*.*", "send.v1.{{wildcard(1)}}")) == "nobody.v1.x"


def test_what_is_published_is_ordered_by_what_its_topic_is_partitioned_by() -> None:
    key = order_key(catalogue.SEND.subject("exit", 7))

    assert order_key(catalogue.SEND.subject("signal", 7)) == key
    assert order_key(catalogue.SEND.subject("exit", 8)) != key
    assert order_key(catalogue.POSITION_CLOSED.subject(7)) == order_key(catalogue.POSITION_OPENED.subject(7)) != key
    assert order_key(catalogue.TICK.subject("GOLD")) == "tick.v1.GOLD"
    assert order_key("nobody.v1.x") == "nobody.v1.x"
