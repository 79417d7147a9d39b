"""Positions that live and end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.positions.domain.course import Followed
from services.positions.domain.day import DaySpan, DayTotal
from services.positions.domain.history import Happened
from services.positions.domain.holding import Closing, Holding
from services.positions.ports.signals import Span


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
