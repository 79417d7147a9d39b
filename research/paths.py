"""Where prices went, and where on their way something happens to a trade: quote by quote, or inside candles by a rule.

What happens is decided by the positions' own rule (`domain.course.step`). What is added here is only the search for
the next price that can matter to it, over columns instead of one by one: between the stop below and the first level
above nothing ever happens. A property test holds this equal to asking at every quote.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from contracts.messages import Side
from research.market import Floats, Moments
from services.positions.domain.course import Followed
from services.positions.domain.exits import Price

FIRST_LOOK = 512
"""Rows of the first look ahead: most exits are near, and each further look is four times as wide."""
WIDEST_LOOK = 1 << 18

NEVER_MS = 1 << 62
"""Later than any market moment."""


@dataclass(frozen=True, slots=True)
class Band:
    """Nothing happens while the closing price lies between `low` and `high` and it is earlier than `deadline_ms`."""

    low: float
    high: float
    deadline_ms: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """A price at which something may happen. `is_passed`: prices came here through all between, so a level on the way
    was had exactly; else they jumped, and this price is the first to be had. `closed_ms` is when it is known.
    """

    price: Price
    is_passed: bool
    closed_ms: int


class Walk(Protocol):
    """The way of prices behind the opening of one trade."""

    def next(self, band: Band) -> Look | None:
        """Go to the next price outside of the band; None where the data ends."""
        ...


class Path(Protocol):
    """How prices went. Candles are named by their place in the market.

    `quotes_ms` are the moments of the candles' last quotes, `closings_ms` those at which they are known to be closed,
    `known_ms` those of the last quote that is known then: the one that closed the candle, if one did. `next_ms` are
    those of the first quotes behind the candles, whenever they came. `has_quotes` is False where candles are all.
    """

    quotes_ms: Moments
    closings_ms: Moments
    known_ms: Moments
    next_ms: Moments
    has_quotes: bool

    def closing_price(self, candle: int) -> Price:
        """Tell the last quote of a candle: what its signals open at."""
        ...

    def next_price(self, candle: int) -> Price | None:
        """Tell the first quote after a candle's last one; None at the end of the data."""
        ...

    def known_price(self, candle: int) -> Price | None:
        """Tell the quote that closed a candle; None where the clock closed it, or no quotes are known."""
        ...

    def prices_after(self, moment_ms: int) -> Iterator[Price]:
        """Tell the quotes later than a moment; none where none are known."""
        ...

    def walk(self, side: Side, candle: int, opened_ms: int) -> Walk:
        """Follow the closing prices of a side later than `opened_ms`, behind a candle."""
        ...


def band_of(one: Followed) -> Band:
    """Work out between which prices nothing happens to a trade, as `domain.course.step` decides it.

    May be too narrow by a price step, where a trailing stop rounds; never too wide.
    """
    course, sign = one.course, one.side.sign
    stop, above = one.stop * sign, one.target * sign
    below = stop
    if course.tighten_at is not None and course.tighten_to is not None and course.tighten_to * sign > stop:
        below = max(below, course.tighten_at * sign)
    if course.break_even_at is not None and course.entry * sign > stop:
        above = min(above, course.break_even_at * sign)
    if course.trail is not None and course.trail_from is not None:
        rounding = 10.0**-course.trail.digits
        follows_at = stop + course.trail.distance + course.trail.step - rounding
        above = min(above, max(course.trail_from * sign, follows_at))
    return Band(below, above, course.deadline_ms) if sign > 0 else Band(-above, -below, course.deadline_ms)


def first_reaching(lows: Floats, highs: Floats, band: Band, start: int) -> int | None:
    """Find the first place from `start` on whose range reaches an edge of the band; None where there is none."""
    look = FIRST_LOOK
    while start < len(lows):
        reaches = (lows[start : start + look] <= band.low) | (highs[start : start + look] >= band.high)
        place = int(reaches.argmax())
        if reaches[place]:
            return start + place
        start += look
        look = min(look * 4, WIDEST_LOOK)
    return None
