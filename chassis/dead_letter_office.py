"""Where operators look through the dead letters: find some, send them again, drop them.

A letter's number is its sequence in the stream DEAD: short enough to type, never given twice. Nothing here asks whether
somebody is sure; that is for those who call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.bus import Bus
from chassis.dead_letters import NothingToSendError, redrive
from chassis.errors import RejectedError, TransientError
from chassis.subjects import matches
from contracts import catalogue, codec
from contracts.messages import DeadLetter

MOST = 10_000
"""How many letters are looked at, the newest: all of them fit into memory."""

_ROOMS = {consumer.name: consumer.room for consumer in catalogue.CONSUMERS}


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and its number."""

    number: int
    body: DeadLetter

    @property
    def room(self) -> str:
        """Which room gave up on it; an outbox is named by its schema, which is its room."""
        name = self.body.consumer
        return _ROOMS.get(name) or name.removeprefix("outbox-").partition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters are wanted: all that is given must hold.

    `reason` is a part of the reason in any case, `subject` a pattern of NATS on the subject as it was stored, ages are
    counted from the last attempt.
    """

    numbers: frozenset[int] = frozenset()
    consumer: str | None = None
    room: str | None = None
    reason: str | None = None
    subject: str | None = None
    older_than: timedelta | None = None
    younger_than: timedelta | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing was asked for in particular."""
        return self == Wanted()

    def fits(self, letter: Letter, now: datetime) -> bool:
        """Tell whether a letter is wanted."""
        body, age = letter.body, now - letter.body.at
        return all(
            (
                not self.numbers or letter.number in self.numbers,
                self.consumer is None or body.consumer == self.consumer,
                self.room is None or letter.room == self.room,
                self.reason is None or self.reason.casefold() in body.reason.casefold(),
                self.subject is None or matches(self.subject, body.subject),
                self.older_than is None or age >= self.older_than,
                self.younger_than is None or age < self.younger_than,
            )
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one letter: nothing in `error`, or why it stays where it is."""

    letter: Letter
    error: str = ""


async def find(bus: Bus, wanted: Wanted, now: datetime) -> list[Letter]:
    """List the wanted letters, oldest first. Raises TransientError."""
    if wanted.numbers:
        named = [await open_letter(bus, number) for number in sorted(wanted.numbers)]
        return [letter for letter in named if letter is not None and wanted.fits(letter, now)]
    kept = await bus.kept(catalogue.DEAD, count=MOST)
    letters = (Letter(stored.sequence, body) for stored, body in kept)
    return [letter for letter in letters if wanted.fits(letter, now)]


async def open_letter(bus: Bus, number: int) -> Letter | None:
    """Find one letter; None where there is none of that number, or none that can be read. Raises TransientError."""
    stored = await bus.read_stored("DEAD", number)
    if stored is None:
        return None
    try:
        return Letter(number, codec.decode(stored.body, DeadLetter))
    except codec.MalformedError:
        return None


async def send_again(bus: Bus, letter: Letter) -> Done:
    """Redrive one letter. What the broker does not take stays, and says why."""
    try:
        await redrive(bus, letter.body, letter.number)
    except (NothingToSendError, RejectedError, TransientError) as e:
        return Done(letter, str(e))
    return Done(letter)


async def drop(bus: Bus, letter: Letter) -> Done:
    """Delete one letter for good."""
    try:
        await bus.remove_stored("DEAD", letter.number)
    except TransientError as e:
        return Done(letter, str(e))
    return Done(letter)


def readable(payload: bytes) -> Iterator[str]:
    """Show a body as lines: text as it is, other bytes as hexadecimal."""
    try:
        yield from payload.decode().splitlines()
    except UnicodeDecodeError:
        yield payload.hex(" ")


def tally(letters: Sequence[Letter]) -> dict[tuple[str, str], int]:
    """Count letters by consumer and by the beginning of their reason, the most first."""
    counts: dict[tuple[str, str], int] = {}
    for letter in letters:
        key = (letter.body.consumer, letter.body.reason.partition(":")[0][:60])
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))
