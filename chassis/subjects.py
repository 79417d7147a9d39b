"""Subjects as NATS understands them: wildcards, and the transform that puts a partition token in."""

import re
from typing import Any

from contracts.catalogue import TOPICS
from contracts.channels import Topic

_CALL = re.compile(r"\{\{(wildcard|partition)\(([\d,]+)\)\}\}")


def matches(pattern: str, subject: str) -> bool:
    """Tell whether a subject fits a pattern: `*` is any one token, a last `>` is one or more."""
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        given = given[: len(wanted)] if len(given) > len(wanted) else []
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))


def partition(key: str, count: int) -> int:
    """Choose the partition of a key as the server's `{{partition(n,…)}}` does: FNV-1a, 32 bits, modulo n.

    Source: NATS documentation, subject mapping, "Deterministic subject token partitioning".
    """
    value = 0x811C9DC5
    for byte in key.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value % count


def transformed(subject: str, transform: tuple[str, str] | None) -> str:
    """Rewrite a subject by a stream's (source, destination); one that does not fit the source stays as it is."""
    if transform is None or not matches(transform[0], subject):
        return subject
    pairs = zip(transform[0].split("."), subject.split("."), strict=True)
    wild = [token for pattern, token in pairs if pattern == "*"]
    return ".".join(_token(part, wild) for part in transform[1].split("."))


def topic_of(stored_subject: str) -> Topic[Any] | None:
    """Find the topic of a subject as a stream keeps it."""
    return next((topic for topic in TOPICS if topic.stream and matches(topic.stored, stored_subject)), None)


def order_key(published_subject: str) -> str:
    """Tell what orders a message as it was published: what its topic is partitioned by, such as the chat, else its
    subject. Messages with one key are read in the order in which they were stored.
    """
    for topic in TOPICS:
        if topic.partition_by is not None and matches(topic.published, published_subject):
            place = len(topic.noun.split(".")) + topic.tokens.index(topic.partition_by)
            return f"{topic.noun}:{published_subject.split('.')[place]}"
    return published_subject


def published_of(stored_subject: str) -> str:
    """Take the partition token out again: the subject that was published."""
    topic = topic_of(stored_subject)
    if topic is None or topic.partition_by is None:
        return stored_subject
    place = len(topic.noun.split("."))
    tokens = stored_subject.split(".")
    return ".".join(tokens[:place] + tokens[place + 1 :])


def _token(part: str, wild: list[str]) -> str:
    call = _CALL.fullmatch(part)
    if call is None:
        return part
    numbers = [int(number) for number in call[2].split(",")]
    if call[1] == "wildcard":
        return wild[numbers[0] - 1]
    return str(partition("".join(wild[place - 1] for place in numbers[1:]), numbers[0]))
