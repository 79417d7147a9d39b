"""When gold trades: 18:03 New York on the evening before until 16:58 New York, Monday to Friday.

Closed from Friday 16:58 to Sunday 18:03 and from 16:58 to 18:03 every day, so the UTC hours move with New York's
daylight saving time. Source: the OANDA XAUUSD session table of the Lean market-hours database.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
OPENS_AT = time(18, 3)
CLOSES_AT = time(16, 58)
ONE_DAY = timedelta(days=1)


class Session(NamedTuple):
    """One stretch of trading: open at `open_ms`, closed again from `close_ms` on (UTC epoch milliseconds)."""

    day: date
    open_ms: int
    close_ms: int


def epoch_ms(moment: datetime) -> int:
    """Convert an aware time to whole milliseconds since 1970 (UTC)."""
    return round(moment.timestamp() * 1000)


@lru_cache(maxsize=1024)
def session_of(day: date) -> Session | None:
    """Find the session that ends on this New York date; None on Saturday and Sunday."""
    if day.weekday() > 4:
        return None
    opened = datetime.combine(day - ONE_DAY, OPENS_AT, NEW_YORK)
    closed = datetime.combine(day, CLOSES_AT, NEW_YORK)
    return Session(day, epoch_ms(opened), epoch_ms(closed))


def sessions_between(start_ms: int, end_ms: int) -> list[Session]:
    """List the sessions that overlap `[start_ms, end_ms)`, oldest first."""
    first = datetime.fromtimestamp(start_ms / 1000, UTC).date() - ONE_DAY
    days = (end_ms - start_ms) // 86_400_000 + 4
    found = (session_of(first + timedelta(days=index)) for index in range(days))
    return [item for item in found if item and item.open_ms < end_ms and item.close_ms > start_ms]


def is_open(at_ms: int) -> bool:
    """Tell whether gold trades at this moment."""
    return bool(sessions_between(at_ms, at_ms + 1))


def opening_hours(day: date) -> list[tuple[time, time]]:
    """List the (open, close) times of one UTC day, oldest first.

    A session that goes on past midnight closes at 23:59:59 and opens at 00:00:00 on the next day, as Deriv writes it.
    """
    midnight = datetime.combine(day, time(), UTC)
    start_ms = epoch_ms(midnight)
    end_ms = start_ms + 86_400_000
    hours = []
    for session in sessions_between(start_ms, end_ms):
        opened = midnight + timedelta(milliseconds=max(session.open_ms, start_ms) - start_ms)
        closed = midnight + timedelta(milliseconds=min(session.close_ms, end_ms - 1000) - start_ms)
        hours.append((opened.time(), closed.time()))
    return hours
