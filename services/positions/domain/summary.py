"""The end of a person's day, and what he is told of it.

A day ends at 23:55 on his own clock, also where clocks are changed: where 23:55 comes twice, at the second. What
closes later belongs to the next summary, so that each trade is in one. Source: product specification, section 4.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from contracts import ids, messages
from contracts.messages import SendClass
from services.positions.domain.hearing import Loudness

END_OF_DAY = time(23, 55, fold=1)
SETTLED_AFTER = timedelta(seconds=60)
"""What was closed before the day's end is stored by then: no transaction lasts longer."""
LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class DayEnd:
    """A day that has ended somewhere: its end, and that of the day before (wall clock, UTC)."""

    day: date
    before: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one person's trades came to since the last summary."""

    subscriber_id: int
    chat_id: int
    language: str
    time_zone: str
    since: datetime
    trades: int
    wins: int
    losses: int
    pnl: Decimal
    r: float
    best: Decimal | None
    worst: Decimal | None
    loudness: Loudness = Loudness.ON


def last_day_end(now: datetime, time_zone: str) -> DayEnd:
    """Tell the last day whose end is past and settled."""
    zone = ZoneInfo(time_zone)
    day = (now - SETTLED_AFTER).astimezone(zone).date()
    if _end_of(day, zone) > now - SETTLED_AFTER:
        day -= timedelta(days=1)
    return DayEnd(day, _end_of(day - timedelta(days=1), zone), _end_of(day, zone))


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, END_OF_DAY, zone).astimezone(UTC)


def summary_message(summary: Summary, end: DayEnd, at: datetime, trace: str) -> messages.SendMessage:
    """Tell a person what his day came to. The id is a function of the person and the day's end, and does not show the
    person: a repeat is the same message.
    """
    content = messages.SummaryNotice(
        day=end.day.isoformat(),
        since_ms=int(summary.since.timestamp() * 1000),
        until_ms=int(end.at.timestamp() * 1000),
        trades=summary.trades,
        wins=summary.wins,
        losses=summary.losses,
        pnl=summary.pnl,
        r=round(summary.r, 4),
        best=summary.best,
        worst=summary.worst,
    )
    return messages.SendMessage(
        id=ids.send_id(ids.digest((summary.subscriber_id, end.at.isoformat())), "summary"),
        at=at,
        trace=trace,
        chat_id=summary.chat_id,
        subscriber_id=summary.subscriber_id,
        kind=SendClass.BROADCAST,
        content=content,
        language=summary.language,
        time_zone=summary.time_zone,
        expires_at=at + LASTS,
        silent=summary.loudness.is_silent,
    )
