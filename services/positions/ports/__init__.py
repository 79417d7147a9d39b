"""What this room needs from outside, beside the bus.

Every method of a store may raise `TransientError` (the database cannot do it now: try again) and `RejectedError` (the
database refuses this very row for good).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from chassis.bus import Outgoing
from chassis.errors import SinyalError
from contracts.asks import ClosedTrade
from contracts.messages import Interval, Mode, SignalRaised
from services.positions.domain.calm import Pause
from services.positions.domain.course import Followed
from services.positions.domain.day import DaySpan, DayTotal
from services.positions.domain.gates import Given
from services.positions.domain.history import Happened
from services.positions.domain.holding import Closing, Holding
from services.positions.domain.preferences import Chosen
from services.positions.domain.subscriber import Person
from services.positions.domain.terms import Terms
from services.positions.ports.books import (
    Archive,
    Erasure,
    Export,
    Jobs,
    Leaving,
    OwnStatistics,
    Scope,
    Statistics,
    Summaries,
    Turn,
    TurnOverError,
)

__all__ = [
    "Archive",
    "Erasure",
    "Export",
    "Jobs",
    "Leaving",
    "OwnStatistics",
    "Scope",
    "Statistics",
    "Summaries",
    "Turn",
    "TurnOverError",
]
"""What lies in a file of its own; everything else is below."""


class TenureOverError(SinyalError):
    """Another copy follows the ticks of the symbol now: drop what is not stored, it will work it out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A person as he introduces himself."""

    subscriber_id: int
    chat_id: int
    name: str
    language: str
    time_zone: str
    lots: Decimal


NOBODY = -(2**63)
"""Lower than the id of any subscriber."""


@dataclass(frozen=True, slots=True)
class Span:
    """Subscribers by their ids: those behind `after_id`, up to and with `until_id`."""

    after_id: int
    until_id: int


@dataclass(frozen=True, slots=True)
class Look:
    """How subscribers are looked at: as of which quote (market time; None: now), what is given since when counts."""

    symbol: str
    quote_ms: int | None
    since_ms: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subscriber who could be given a signal, and what he was given lately; what never arrived is left out.

    `has_position` is as of the quote: what is live, and what a later tick closed, so that it does not matter whether
    that was stored before the signal was handed out.
    """

    person: Person
    has_position: bool
    given: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One position to be stored, at the terms of its owner's plan."""

    position_id: str
    person: Person
    terms: Terms
    lots: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A signal that a subscriber was not given, and why. `signal_id` is None where it did not come to a signal."""

    subscriber_id: int
    symbol: str
    mode: Mode
    reasons: tuple[str, ...]
    refused_at: datetime
    signal_id: str | None = None
    market_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happened to a position that was locked, in order, and what it has become by that.

    `in_force_ms` is the market time of the last tick that was held against it, None where no tick was. `closing` says
    what it earned where it closed.
    """

    before: Holding
    after: Holding
    happened: tuple[Happened, ...]
    in_force_ms: int | None = None
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """How far ticks were followed, and from where a restart reads again (sequence of TICKS, market time)."""

    sequence: int
    epoch_ms: int
    rewind_sequence: int
    rewind_epoch_ms: int


@dataclass(frozen=True, slots=True)
class Story:
    """Why a signal was given: its reasons, when (wall clock), and whether its position is still live."""

    reasons: tuple[str, ...]
    told_at: datetime
    is_live: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Closed trades, newest first, and the totals over all of them."""

    trades: tuple[ClosedTrade, ...]
    total: int
    wins: int
    losses: int
    pnl: Decimal


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a chart of a position shows: its levels, and its last moment (None while it is live)."""

    holding: Holding
    interval: Interval
    rr: float
    strength: float
    score: int | None
    closed_ms: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What the store holds."""

    subscribers: int
    live_positions: int


class Subscribers(Protocol):
    """People."""

    async def register(self, applicant: Applicant) -> tuple[Person, bool]:
        """Store a person, or welcome one back with his new chat and name; True when he is new."""
        ...

    async def find(self, subscriber_id: int) -> Person | None:
        """Look a person up."""
        ...

    async def set_language(self, subscriber_id: int, language: str) -> Person | None:
        """Change the language; None where there is no such person."""
        ...

    async def set_auto(self, subscriber_id: int, auto: bool) -> Person | None:
        """Switch automatic signals; None where there is no such person. Who switches them on can be reached again."""
        ...

    async def choose(self, subscriber_id: int, chosen: Chosen) -> Person | None:
        """Store what a person chose; None where there is no such person."""
        ...

    async def deactivate(self, subscriber_id: int, reason: str, seen_at: datetime) -> None:
        """Give a person nothing until he comes back: he could not be reached at `seen_at` (wall clock). One who has
        been heard of since stays.
        """
        ...


class Proposals(Protocol):
    """Signals on their way to people."""

    async def record(self, terms: Terms) -> None:
        """Store the signal itself; one that is stored stays."""
        ...

    async def handed_to(self, signal_id: str) -> int:
        """Tell up to whom a stored signal was handed out, NOBODY where to none; others who ask wait until the
        transaction ends.
        """
        ...

    async def hand_on(self, signal_id: str, subscriber_id: int | None) -> None:
        """Store up to whom a signal was handed out; None when that is over: it must not name somebody for ever."""
        ...

    async def candidates(self, look: Look, *, after_id: int, limit: int) -> list[Candidate]:
        """List active subscribers with automatic signals, by id, from behind `after_id`."""
        ...

    async def candidate(self, look: Look, subscriber_id: int) -> Candidate | None:
        """Look one subscriber up, automatic or not."""
        ...

    async def propose(self, signal: SignalRaised, proposals: Sequence[Proposal], at: datetime) -> set[str]:
        """Store positions and return the ids that were: one who has a live position meanwhile gets no other."""
        ...

    async def pause(self, symbol: str, market_ms: int) -> Pause | None:
        """Look for a pause that a moment of market time falls into."""
        ...

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Keep the last refusal of each subscriber and symbol."""
        ...


class Positions(Protocol):
    """Positions that live and end."""

    async def lock(self, position_ids: Sequence[str]) -> list[Holding]:
        """Read positions and keep others from changing them until the transaction ends."""
        ...

    async def save(self, chapters: Sequence[Chapter], at: datetime) -> None:
        """Store what happened to positions, and what they are now."""
        ...

    async def day_totals(self, days: Mapping[int, DaySpan]) -> Mapping[int, DayTotal]:
        """Add up what each subscriber closed in a span of market time."""
        ...

    async def unsettled(self, expired_before: datetime, *, limit: int) -> list[str]:
        """List positions whose message expired before a time (wall clock) and whose delivery was never told."""
        ...

    async def followed(self, symbol: str, signal_id: str | None = None, people: Span | None = None) -> list[Followed]:
        """List the positions that ticks can cross, of one signal or all, of some subscribers or all."""
        ...


class Answers(Protocol):
    """What people ask. Everything is looked up by its owner."""

    async def live(self, subscriber_id: int, symbol: str) -> Holding | None:
        """Read the live position of a subscriber."""
        ...

    async def history(self, subscriber_id: int, *, offset: int, limit: int) -> Page:
        """Read closed trades, newest first."""
        ...

    async def story(self, subscriber_id: int, position_id: str | None) -> Story | None:
        """Read why a position, or the last one, was given."""
        ...

    async def refusal(self, subscriber_id: int) -> Refused | None:
        """Read the last refusal."""
        ...

    async def drawn(self, subscriber_id: int, position_id: str) -> Drawn | None:
        """Read what the chart of one position shows."""
        ...

    async def live_drawn(self, subscriber_id: int, symbol: str) -> Drawn | None:
        """Read what the chart of the live position shows."""
        ...

    async def counts(self) -> Counts:
        """Count people and live positions."""
        ...


class Progress(Protocol):
    """How far ticks were followed, per symbol, and whether signals pause."""

    async def begin(self, symbol: str) -> tuple[int, Mark | None]:
        """Start a tenure: returns its number, which no earlier owner has, and the mark; None where there is none."""
        ...

    async def is_current(self, symbol: str, tenure: int) -> bool:
        """Tell whether a tenure is still the last one."""
        ...

    async def pausing(self, symbol: str) -> Pause | None:
        """Read the pause that has not ended."""
        ...

    async def pause(self, symbol: str, pause: Pause) -> None:
        """Store that a pause began or ended."""
        ...

    async def save(self, symbol: str, tenure: int, mark: Mark) -> None:
        """Store the mark.

        Raises:
            TenureOverError: another tenure has begun.
        """
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """Positions that the follower must look at: those of a new signal (`people` None: of all its subscribers), or one
    that is void.
    """

    symbol: str
    signal_id: str | None = None
    voided_id: str | None = None
    people: Span | None = None


class View(Protocol):
    """What can be looked up. Of `Store.view` one subscriber's rows, whatever is asked; and it takes no change."""

    @property
    def subscribers(self) -> Subscribers:
        """People."""
        ...

    @property
    def answers(self) -> Answers:
        """What people ask."""
        ...

    @property
    def statistics(self) -> OwnStatistics:
        """What the person's closed trades come to."""
        ...

    @property
    def export(self) -> Export:
        """All that is kept of one person."""
        ...


class Work(View, Protocol):
    """One transaction: all that is done through it happens, or nothing."""

    @property
    def proposals(self) -> Proposals:
        """Signals on their way."""
        ...

    @property
    def positions(self) -> Positions:
        """Positions that live and end."""
        ...

    @property
    def statistics(self) -> Statistics:
        """What closed trades come to, whoever's they are."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Scheduled work."""
        ...

    @property
    def summaries(self) -> Summaries:
        """Whose day is to be summed up."""
        ...

    @property
    def erasure(self) -> Erasure:
        """People who want to be forgotten."""
        ...

    @property
    def archive(self) -> Archive:
        """What is over for long."""
        ...

    @property
    def progress(self) -> Progress:
        """How far ticks were followed."""
        ...

    async def is_first_time(self, consumer: str, message_id: str) -> bool:
        """Record a message; False when it was handled before."""
        ...

    async def was_handled(self, consumer: str, message_id: str) -> bool:
        """Look whether a message is recorded."""
        ...

    async def forget_handled(self, days: int, limit: int) -> int:
        """Forget at most `limit` messages that were handled more than `days` ago; returns how many."""
        ...

    async def say(self, messages: Sequence[Outgoing]) -> None:
        """Have messages published once this transaction is done."""
        ...

    async def announce(self, change: Change) -> None:
        """Tell the copy that follows the ticks what changed, once this transaction is done."""
        ...

    def part(self) -> AbstractAsyncContextManager[None]:
        """Open a part that can fail by itself (a savepoint)."""
        ...


class Store(Protocol):
    """The database of this room."""

    def work(self) -> AbstractAsyncContextManager[Work]:
        """Begin a transaction; it commits when the block ends, and rolls back when the block raises."""
        ...

    def view(self, subscriber_id: int) -> AbstractAsyncContextManager[View]:
        """Begin to read as one subscriber."""
        ...


class Lease(Protocol):
    """The right to follow the ticks of one symbol; bound to a connection, gone with it."""

    async def take(self) -> None:
        """Wait until the right is ours, however long; the database may be away meanwhile."""
        ...

    async def retake(self) -> None:
        """Get a lost right back.

        Raises:
            TenureOverError: somebody else has it.
        """
        ...

    def changes(self) -> AsyncIterator[Change]:
        """Hear what is announced for the symbol, for ever.

        Raises:
            TransientError: the connection is gone, and with it the right.
        """
        ...


class Leases(Protocol):
    """Where leases come from."""

    def lease(self, symbol: str) -> AbstractAsyncContextManager[Lease]:
        """Open a lease that is not taken yet; it is given back at the end."""
        ...
