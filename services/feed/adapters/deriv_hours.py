"""`trading_times` of Deriv into spans of one UTC day.

The times are UTC; `--` is none, `23:59:59` the end of the day. Exceptions come as words: `Fridays` or a date, with
`Closes early (at 20:55)` or `Opens late (at 01:00)`; any other event on a date is a holiday.
"""

import re
from datetime import date, time

from services.feed.adapters.deriv_frames import Listing, TradingEvent
from services.feed.domain.sessions import Span, at

_AT = re.compile(r"(closes early|opens late)\D*(\d{1,2}):(\d{2})", re.IGNORECASE)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def spans_of(listing: Listing, day: date) -> tuple[Span, ...]:
    """Tell when a listed symbol trades on a UTC day, oldest first. Raises ValueError for times it cannot read."""
    if listing.trading_days and _DAYS[day.weekday()] not in listing.trading_days:
        return ()
    pairs = zip(listing.times.open, listing.times.close, strict=True)
    spans = [Span(_at(day, opened), _at(day, closed)) for opened, closed in pairs if "--" not in (opened, closed)]
    for event in listing.events:
        if _concerns(event, day):
            spans = _cut(spans, event, day)
    return tuple(sorted(span for span in spans if span.start_ms < span.end_ms))


def _at(day: date, text: str) -> int:
    return at(day, time.fromisoformat(text))


def _concerns(event: TradingEvent, day: date) -> bool:
    weekly = f"{day:%A}s"
    return any(word in (weekly, day.isoformat()) for word in re.split(r"[,\s]+", event.dates))


def _cut(spans: list[Span], event: TradingEvent, day: date) -> list[Span]:
    found = _AT.search(event.descrip)
    if found is None:
        return spans if event.dates.endswith("s") else []
    moment = at(day, time(int(found[2]) % 24, int(found[3])))
    if found[1].lower().startswith("closes"):
        return [Span(span.start_ms, min(span.end_ms, moment)) for span in spans]
    return [Span(max(span.start_ms, moment), span.end_ms) for span in spans]
