"""The clock as a port: wall time for delivery, loop time for waiting, market time for trading."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time, aware UTC."""

    def now(self) -> datetime:
        """Tell the wall time."""
        ...

    def monotonic(self) -> float:
        """Tell seconds that never go back; only differences mean something."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Tell the wall time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Tell seconds that never go back."""
        return time.monotonic()


class ManualClock:
    """A clock that moves when it is told to, for tests."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 5, 12, tzinfo=UTC)
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        """Tell the time that was set."""
        return self._now

    def monotonic(self) -> float:
        """Tell the seconds that were advanced."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks on."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class MarketClock:
    """Market time as the venue tells it, carried on between two tellings by the wall clock.

    `speed` is 1 for real venues; the sandbox runs its market faster. Before the first `set`, market time is wall time.
    """

    def __init__(self, clock: Clock, speed: float = 1.0) -> None:
        self._clock = clock
        self._speed = speed
        self._anchor_ms = int(clock.now().timestamp() * 1000)
        self._anchor_at = clock.monotonic()

    @property
    def speed(self) -> float:
        """Market seconds per wall second."""
        return self._speed

    def set(self, market_ms: int) -> None:
        """Learn the venue's time, UTC milliseconds."""
        self._anchor_ms = market_ms
        self._anchor_at = self._clock.monotonic()

    def now_ms(self) -> int:
        """Tell market time, UTC milliseconds."""
        return self._anchor_ms + int((self._clock.monotonic() - self._anchor_at) * 1000 * self._speed)

    def wall_s(self, market_s: float) -> float:
        """Convert a span of market seconds into wall seconds."""
        return market_s / self._speed
