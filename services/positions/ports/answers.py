"""What people ask of their trades."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from contracts.asks import ClosedTrade
from contracts.messages import Interval
from services.positions.domain.holding import Holding
from services.positions.ports.signals import Refused


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
