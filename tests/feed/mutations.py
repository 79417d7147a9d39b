"""Frames made wrong: what transmission, a bug or malice can do to a text of JSON."""

import re
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

NASTY = (
    "null", "true", '""', "[]", "{}", "-1", "0", "-0.0", "1e999", "-1e999", "NaN", "Infinity", "1e-320", '"NaN"',
    '"inf"', '"-1"', '"1e999"', "9223372036854775808", "-9223372036854775809", "1" + "0" * 400, "0.1e-1", '"\\ud800"',
    '"2026-01-05"', "[[]]", '{"epoch": 1}', "1767614400.5", '"99:99:99"', '"--"',
)  # fmt: skip
_VALUE = re.compile(rb"(?<=:)(?:-?[0-9][0-9.eE+-]*|\"[^\"]*\")|(?<=[,\[])-?[0-9][0-9.]*(?=[,\]])")
_DIGIT = re.compile(rb"[0-9]")


def _flip(text: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(text))
    return text[:place] + bytes([text[place] ^ (1 << chance.randrange(8))]) + text[place + 1 :]


def _cut(text: bytes, chance: Random) -> bytes:
    return text[: chance.randrange(len(text))]


def _drop(text: bytes, chance: Random) -> bytes:
    first = chance.randrange(len(text))
    return text[:first] + text[first + chance.randrange(1, 12) :]


def _repeat(text: bytes, chance: Random) -> bytes:
    first = chance.randrange(len(text))
    last = first + chance.randrange(1, 40)
    return text[:last] + text[first:last] + text[last:]


def _insert(text: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(text))
    return text[:place] + bytes(chance.randrange(256) for _ in range(chance.randrange(1, 6))) + text[place:]


def _value(text: bytes, chance: Random) -> bytes:
    found = list(_VALUE.finditer(text))
    if not found:
        return _flip(text, chance)
    spot = chance.choice(found)
    return text[: spot.start()] + chance.choice(NASTY).encode() + text[spot.end() :]


def _digit(text: bytes, chance: Random) -> bytes:
    places = [found.start() for found in _DIGIT.finditer(text)]
    if not places:
        return _flip(text, chance)
    place = chance.choice(places)
    return text[:place] + str(chance.randrange(10)).encode() + text[place + 1 :]


def _key(text: bytes, chance: Random) -> bytes:
    return re.sub(rb'"[a-z_]+":', lambda found: b'"x":' if chance.random() < 0.2 else found[0], text)


def _nest(text: bytes, chance: Random) -> bytes:
    return b"[" * chance.choice((1, 2, 5000)) + text


MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip, _flip, _cut, _drop, _repeat, _insert, _value, _value, _value, _digit, _digit, _key, _nest,
)  # fmt: skip


def mutated(frame: dict[str, Any], chance: Random) -> bytes:
    """Write a frame and make one to three things wrong with it."""
    text = msgspec.json.encode(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if text:
            text = chance.choice(MUTATIONS)(text, chance)
    return text
