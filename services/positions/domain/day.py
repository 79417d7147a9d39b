"""A subscriber's own day, in market time."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class DaySpan:
    """A day as [from_ms, to_ms) of market time. It has 23 or 25 hours where clocks are changed."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What a subscriber's closed trades of one day came to."""

    pnl: Decimal
    trades: int


def day_of(market_ms: int, time_zone: str) -> DaySpan:
    """Tell the local day that holds a moment of market time."""
    zone = ZoneInfo(time_zone)
    day = datetime.fromtimestamp(market_ms / 1000, UTC).astimezone(zone).date()
    start, end = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    return DaySpan(int(start.timestamp() * 1000), int(end.timestamp() * 1000))
