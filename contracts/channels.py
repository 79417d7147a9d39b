"""What a catalogue is made of: topics, streams, consumers, buckets and questions.

Subjects follow `<noun>.v<major>.<wide>.<narrow>`. A partitioned stream rewrites the published subject on arrival and
puts a partition token (FNV-1a-32 of the order key, mod 16) behind the major; publishers do not know it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from contracts import messages

P = TypeVar("P", bound=messages.Message)
Q = TypeVar("Q")
A = TypeVar("A")

PARTITIONS = 16
"""Virtual partitions of an ordered stream, fixed for life: another count means another stream."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


class Retention(StrEnum):
    """How a stream lets go of a message: by its limits, or when its one consumer is done with it."""

    LIMITS = "limits"
    WORK_QUEUE = "workqueue"


class BadTokenError(ValueError):
    """A subject token may hold letters, digits, `_` and `-` only."""


def _checked(token: object) -> str:
    text = str(token)
    if not _TOKEN.fullmatch(text):
        raise BadTokenError(f"{text!r} cannot be a subject token: letters, digits, _ and - only")
    return text


@dataclass(frozen=True, slots=True)
class Topic(Generic[P]):
    """One kind of message.

    `noun` with its major starts the subject, `tokens` name what follows in the published form; a token that starts
    with `=` is fixed (`=opened`). `partition_by` is the token that orders it; None where the stream is not
    partitioned. `stream` None means core NATS, loss allowed.
    """

    noun: str
    tokens: tuple[str, ...]
    payload: type[P]
    stream: str | None
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    meaning: str
    partition_by: str | None = None

    @property
    def name(self) -> str:
        """The topic in one word per token, without its major: `position.opened`, `tick`."""
        return ".".join((self.noun.split(".")[0], *(token[1:] for token in self.tokens if token.startswith("="))))

    def subject(self, *values: object) -> str:
        """Build the published subject from one value per free token.

        Raises:
            BadTokenError: a value is no token.
            ValueError: too few or too many values.
        """
        free = iter([_checked(value) for value in values])
        if len(values) != sum(not token.startswith("=") for token in self.tokens):
            raise ValueError(f"{self.name} takes {self.tokens}, got {values}")
        return ".".join((self.noun, *(t[1:] if t.startswith("=") else next(free) for t in self.tokens)))

    def _wild(self) -> tuple[str, ...]:
        return tuple(token[1:] if token.startswith("=") else "*" for token in self.tokens)

    @property
    def published(self) -> str:
        """The wildcard of all published subjects."""
        return ".".join((self.noun, *self._wild()))

    @property
    def stored(self) -> str:
        """The wildcard of all subjects as the stream keeps them: what a consumer filters by."""
        return ".".join((self.noun, "*", *self._wild())) if self.partition_by else self.published

    def stored_like(self, *values: object | None) -> str:
        """The wildcard of the stored subjects whose free tokens have these values; None fits any.

        Raises:
            BadTokenError: a value is no token.
            ValueError: too few or too many values.
        """
        free = iter(["*" if value is None else _checked(value) for value in values])
        if len(values) != sum(not token.startswith("=") for token in self.tokens):
            raise ValueError(f"{self.name} takes {self.tokens}, got {values}")
        tokens = (t[1:] if t.startswith("=") else next(free) for t in self.tokens)
        return ".".join((self.noun, *(("*",) if self.partition_by else ()), *tokens))

    @property
    def transform(self) -> tuple[str, str] | None:
        """Source and destination of the stream's subject transform, or None. Equal for all topics of one noun."""
        if self.partition_by is None:
            return None
        place = self.tokens.index(self.partition_by) + 1
        wild = [f"{{{{wildcard({n})}}}}" for n in range(1, len(self.tokens) + 1)]
        source = ".".join((self.noun, *("*" for _ in self.tokens)))
        return source, ".".join((self.noun, f"{{{{partition({PARTITIONS},{place})}}}}", *wild))


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream and its limits.

    `per_subject` keeps the last n of each subject; `coalesce` refuses a subject's second message while one is there; a
    `written_behind` stream may lose its tail when the broker is killed, and is fast for it. `readers` are the rooms
    that look into it without a durable consumer: for state, for history, for what lies ahead.
    """

    name: str
    retention: Retention
    max_age_s: int
    max_bytes: int
    per_subject: int = -1
    written_behind: bool = False
    coalesce: bool = False
    dedupe_s: int = 120
    schedules: bool = False
    atomic: bool = False
    extra_subjects: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of one stream, owned by one room.

    `pinned` gives it one active owner at a time (fail-over after three seconds); `in_flight` bounds what is delivered
    and not settled; 1 keeps strict order.
    """

    name: str
    stream: str
    filters: tuple[str, ...]
    room: str
    ack_wait_s: float = 30.0
    max_deliver: int = 10
    in_flight: int = 256
    pinned: bool = False
    only_new: bool = False
    last_per_subject: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """An object store with an age limit: nothing in it need be deleted by hand. Its writers and readers are rooms."""

    name: str
    max_age_s: int
    max_bytes: int
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask(Generic[Q, A]):
    """A question: request and reply on core NATS, answered by one copy of the room."""

    room: str
    verb: str
    request: type[Q]
    reply: type[A]
    askers: tuple[str, ...]
    deadline_s: float = 3.0

    @property
    def subject(self) -> str:
        """Where it is asked."""
        return f"ask.v1.{self.room}.{self.verb}"
