"""What is missing, what to ask the venue for, and how its answers become one sequence in time order.

Asking twice is harmless: what was told before is recognised by its time and left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from services.feed.domain.quotes import MINUTE_MS, Bar, Quote, minute_of
from services.feed.domain.sessions import Calendar

QUIET_LIMIT_MS = 600_000
"""Longer without any price inside a session is a hole: real gold was quiet for 217 s at most."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back to ask. Bars are cheap, ticks are exact; a venue keeps ticks for a shorter time.

    `bars` closed M1 at the first start, `counted_minutes` of them with their ticks, which give the volume. Later holes
    are filled by ticks up to `ticks_ms` back, and by bars before, at most `most_bars`.
    """

    bars: int = 1000
    counted_minutes: int = 100
    ticks_ms: int = 12 * 3_600_000
    most_bars: int = 5000


@dataclass(frozen=True, slots=True)
class Held:
    """What is known already: candles hold every quote before `folded_ms`, ticks were told up to `told_ms`.

    None: nothing is known.
    """

    folded_ms: int | None = None
    told_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask for.

    Bars that open in [bars_from_s, now), None for no bars; at most `bars_count`, the latest. Quotes from
    `quotes_from_ms` on. Ticks are told from `tell_from_ms` on: those before are known, or are of no use to anybody.
    """

    bars_from_s: int | None
    bars_count: int
    quotes_from_ms: int
    tell_from_ms: int


def plan(now_ms: int, held: Held, reach: Reach) -> Plan:
    """Plan the backfill of one symbol at the market time `now_ms`."""
    minute_ms = minute_of(now_ms)
    if held.folded_ms is None:
        tell_from_ms = minute_ms if held.told_ms is None else held.told_ms + 1
        return Plan(0, reach.bars, minute_ms - reach.counted_minutes * MINUTE_MS, tell_from_ms)
    tell_from_ms = held.folded_ms if held.told_ms is None else held.told_ms + 1
    if now_ms - held.folded_ms <= reach.ticks_ms:
        return Plan(None, 0, held.folded_ms, tell_from_ms)
    quotes_from_ms = minute_of(now_ms - reach.ticks_ms)
    return Plan(minute_of(held.folded_ms) // 1000, reach.most_bars, quotes_from_ms, max(tell_from_ms, quotes_from_ms))


REST_MS = 30 * 86_400_000
"""History that lies this much further back than its minutes would reach is a venue's slip of the pen."""


class Minute(NamedTuple):
    """One minute of history: the venue's bar where it has one, and the quotes we have of it, oldest first."""

    open_ms: int
    bar: Bar | None
    quotes: list[Quote]


def minutes(bars: Iterable[Bar], quotes: Iterable[Quote], *, from_ms: int, now_ms: int, count: int) -> Iterator[Minute]:
    """Lay bars and quotes side by side, oldest minute first.

    Left out are bars that end after `now_ms` (they still form), bars and quotes before `from_ms`, bars far older than
    so many minutes can be, all but the last `count` bars, quotes before those bars, and doubles.
    """
    from_minute_ms = max(minute_of(from_ms), now_ms - count * MINUTE_MS - REST_MS)
    closed = {bar.open_s * 1000: bar for bar in bars if bar.end_ms <= now_ms and bar.open_s * 1000 >= from_minute_ms}
    kept = dict(sorted(closed.items())[-count:] if count else ())
    from_ms = max(from_ms, min(kept, default=from_ms))
    by_minute: dict[int, dict[int, Quote]] = {}
    for quote in quotes:
        if quote.epoch_ms >= from_ms:
            by_minute.setdefault(minute_of(quote.epoch_ms), {})[quote.epoch_ms] = quote
    for open_ms in sorted(kept.keys() | by_minute.keys()):
        known = by_minute.get(open_ms, {})
        yield Minute(open_ms, kept.get(open_ms), [known[moment] for moment in sorted(known)])


class Hole(NamedTuple):
    """[from_ms, to_ms) has no prices and nobody can give them."""

    from_ms: int
    to_ms: int


@dataclass
class HoleWatch:
    """Finds holes in what was told: too much open market without any price."""

    calendar: Calendar
    last_ms: int | None = field(default=None)

    def see(self, from_ms: int, to_ms: int) -> Hole | None:
        """Take note of prices in [from_ms, to_ms]; return the hole before them, or None."""
        last_ms = self.last_ms
        self.last_ms = max(to_ms, last_ms or to_ms)
        if last_ms is None or from_ms - last_ms <= QUIET_LIMIT_MS:
            return None
        if self.calendar.open_ms_between(last_ms, from_ms) <= QUIET_LIMIT_MS:
            return None
        return Hole(last_ms, from_ms)
