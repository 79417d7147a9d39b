"""What this room needs to keep its books: figures over what is closed, and what is done by the hour and the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chassis.errors import SinyalError
from services.positions.domain.statistics import Sums
from services.positions.domain.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which closed trades are counted: since a moment of market time, of a symbol, of a strategy (None: of all).
    Hours are those of `time_zone`.
    """

    from_ms: int | None
    symbol: str | None
    strategy: str | None
    time_zone: str


class OwnStatistics(Protocol):
    """What one person's closed trades come to; void ones never count."""

    async def of_subscriber(self, subscriber_id: int, scope: Scope, *, has_curve: bool = False) -> Sums:
        """Count the trades of one person, with their curve where it is wanted."""
        ...


class Statistics(OwnStatistics, Protocol):
    """What closed trades come to, whoever's they are."""

    async def of_signals(self, scope: Scope, *, has_curve: bool = False) -> Sums:
        """Count automatic signals, each once, at 0.01 lots and the mean result of its positions; with their curve where
        it is wanted.
        """
        ...

    async def of_all(self, scope: Scope) -> Sums:
        """Count the trades of everybody."""
        ...


class TurnOverError(SinyalError):
    """Another copy has the job now: leave it, whatever was not stored."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn at a job; no other turn has its number."""

    job: str
    number: int


class Jobs(Protocol):
    """Scheduled work and who does it now. All times are the database's own: copies need not agree on the hour."""

    async def plan(self, job: str, every_s: float) -> None:
        """Have a job done every so often, the first time at once; what is planned already keeps its time."""
        ...

    async def take(self, job: str, lease_s: float) -> Turn | None:
        """Take a job that is due and that nobody does, for `lease_s`; None where there is nothing to take."""
        ...

    async def renew(self, turn: Turn, lease_s: float) -> None:
        """Keep a job for longer. Raises TurnOverError."""
        ...

    async def hold(self, turn: Turn) -> None:
        """Keep others from taking the job until this transaction ends. Raises TurnOverError."""
        ...

    async def end(self, turn: Turn) -> None:
        """Give a job back, done: the next time is the first in its rhythm that is to come. Raises TurnOverError."""
        ...

    async def fail(self, turn: Turn, error: str) -> None:
        """Give a job back, not done: it is due again after a delay that grows with its failures. Raises
        TurnOverError.
        """
        ...

    async def due_in_s(self, job: str) -> float:
        """Tell in how many seconds a job can be taken, at the earliest; 0 where it can be now."""
        ...


class Summaries(Protocol):
    """Whose day is to be summed up."""

    async def zones(self) -> list[str]:
        """List the time zones of active people."""
        ...

    async def take(self, zone: str, *, since: datetime, until: datetime, limit: int) -> list[Summary]:
        """Sum up what people of a zone closed up to `until` (wall clock) and was not summed up before; for somebody's
        first time, since `since`. They are not given again for `until`. Who closed nothing is among them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Leaving:
    """A person who is about to be forgotten: since when he is here (wall clock), and his live positions."""

    registered_at: datetime
    live: tuple[str, ...]


class Erasure(Protocol):
    """People who want to be forgotten."""

    async def lock(self, subscriber_id: int) -> Leaving | None:
        """Keep anything new from being given to a person until the transaction ends; None where there is no such
        person.
        """
        ...

    async def erase(self, subscriber_id: int, pseudonym: str) -> int:
        """Take a person out of every table. His closed trades go to the archive under new ids and the pseudonym; what
        is not closed goes for good. Returns how many trades were kept.
        """
        ...


class Export(Protocol):
    """All that is kept of one person."""

    async def document(self, subscriber_id: int, at: datetime) -> str:
        """Write all of it as JSON."""
        ...

    async def trades(self, subscriber_id: int) -> Sequence[Sequence[Any]]:
        """Read the closed trades, oldest first, as `domain.export` writes them."""
        ...


class Archive(Protocol):
    """What is over for long."""

    async def move(self, days: int, limit: int) -> int:
        """Move at most `limit` positions that closed more than `days` ago (wall clock) out of the way, with their
        events; delete those that were void. Returns how many.
        """
        ...
