"""Signals on their way to people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from contracts.messages import Mode, SignalRaised
from services.positions.domain.calm import Pause
from services.positions.domain.gates import Given
from services.positions.domain.subscriber import Person
from services.positions.domain.terms import Terms

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
