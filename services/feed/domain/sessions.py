"""When a market trades: what the venue tells for a day, else a weekly table in the market's own zone.

Everything is asked in UTC milliseconds; daylight saving time is the zone's business.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_DAY_MS = 86_400_000
_LOOK_AHEAD_DAYS = 14
"""No market of ours rests longer than two weeks."""


class Span(NamedTuple):
    """A stretch of trading, [start_ms, end_ms)."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class WeekHours:
    """Sessions that open at `opens` on the evening before and close at `closes` on each of `closing_days`.

    Times are of `zone`; days count from Monday = 0.
    """

    zone: str
    opens: time
    closes: time
    closing_days: frozenset[int] = frozenset({0, 1, 2, 3, 4})

    def session(self, day: date) -> Span | None:
        """Find the session that closes on `day` of the zone."""
        if day.weekday() not in self.closing_days:
            return None
        zone = ZoneInfo(self.zone)
        return Span(_ms(datetime.combine(day - _DAY, self.opens, zone)), _ms(datetime.combine(day, self.closes, zone)))


METALS = WeekHours("America/New_York", time(18, 3), time(16, 58))
"""XAUUSD: closed Friday 16:58 to Sunday 18:03 New York and 16:58 to 18:03 every day (product.md section 2)."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The trading hours of one symbol. `hours` None: never closed. `days` are UTC days as the venue told them."""

    hours: WeekHours | None = METALS
    days: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def learn(self, day: date, spans: tuple[Span, ...]) -> "Calendar":
        """Take what the venue says about a UTC day; it wins over the table. Days long past are forgotten."""
        kept = {known: told for known, told in self.days.items() if known > day - 10 * _DAY}
        return replace(self, days={**kept, day: spans})

    def is_open(self, at_ms: int) -> bool:
        """Tell whether the market trades at a moment."""
        return any(span.start_ms <= at_ms < span.end_ms for span in self._spans_of(_day(at_ms)))

    def next_open_ms(self, at_ms: int) -> int | None:
        """Find the first moment from `at_ms` on at which the market trades; None within two weeks: never."""
        first = _day(at_ms)
        for ahead in range(_LOOK_AHEAD_DAYS + 1):
            for span in self._spans_of(first + ahead * _DAY):
                if span.end_ms > at_ms:
                    return max(span.start_ms, at_ms)
        return None

    def open_ms_between(self, from_ms: int, to_ms: int) -> int:
        """Add up how long the market trades in [from_ms, to_ms)."""
        total = 0
        day = _day(from_ms)
        while _midnight_ms(day) < to_ms:
            overlaps = (min(span.end_ms, to_ms) - max(span.start_ms, from_ms) for span in self._spans_of(day))
            total += sum(overlap for overlap in overlaps if overlap > 0)
            day += _DAY
        return total

    def _spans_of(self, day: date) -> tuple[Span, ...]:
        told = self.days.get(day)
        return tuple(self._by_table(day)) if told is None else told

    def _by_table(self, day: date) -> Iterator[Span]:
        start_ms = _midnight_ms(day)
        if self.hours is None:
            yield Span(start_ms, start_ms + _DAY_MS)
            return
        for closing_day in (day, day + _DAY):
            session = self.hours.session(closing_day)
            if session is not None and session.end_ms > start_ms and session.start_ms < start_ms + _DAY_MS:
                yield Span(max(session.start_ms, start_ms), min(session.end_ms, start_ms + _DAY_MS))


def day_of(at_ms: int) -> date:
    """Tell the UTC day of a moment."""
    return _day(at_ms)


def at(day: date, moment: time) -> int:
    """Tell the moment of a UTC day and time in milliseconds. 23:59:59 is how venues write the end of the day."""
    if moment >= time(23, 59, 59):
        return _midnight_ms(day) + _DAY_MS
    return _ms(datetime.combine(day, moment, UTC))


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def _midnight_ms(day: date) -> int:
    return _ms(datetime.combine(day, time(), UTC))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
