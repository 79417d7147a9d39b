"""What this room needs to keep its books: figures over what is closed."""

from dataclasses import dataclass
from typing import Protocol

from services.positions.domain.statistics import Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which closed trades are counted: since a moment of market time, of a symbol, of a strategy (None: of all).
    Hours are those of `time_zone`.
    """

    from_ms: int | None
    symbol: str | None
    strategy: str | None
    time_zone: str


class Statistics(Protocol):
    """What closed trades come to; void ones never count."""

    async def of_subscriber(self, subscriber_id: int, scope: Scope) -> Sums:
        """Count the trades of one person."""
        ...

    async def of_signals(self, scope: Scope) -> Sums:
        """Count automatic signals, each once, at 0.01 lots and the mean result of its positions."""
        ...

    async def of_all(self, scope: Scope) -> Sums:
        """Count the trades of everybody."""
        ...
