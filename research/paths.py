"""Where prices went, and where on their way something happens to a trade: quote by quote, or inside candles by a rule.

What happens is decided by the positions' own rule (`domain.course.step`). What is added here is only the search for
the next price that can matter to it, over columns instead of one by one: between the stop below and the first level
above nothing ever happens. A property test holds this equal to asking at every quote.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from contracts.messages import Side
from research.market import Candles, Floats, Market, Moments, Places, Ticks
from services.positions.domain.course import Followed
from services.positions.domain.exits import Price

FIRST_LOOK = 512
"""Rows of the first look ahead: most exits are near, and each further look is four times as wide."""
WIDEST_LOOK = 1 << 18

NEVER_MS = 1 << 62

DECIMALS = 8
"""What is kept of a mid plus or minus half a spread: drops binary noise, so that a touch is a touch."""


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


def path_of(market: Market, *, spread: float, grace_ms: int) -> Path:
    """Choose the finest path that the market has. `spread` (in price) is for candles, which know none; `grace_ms` is
    how long after its end a candle waits for a quote to close it.
    """
    if market.ticks is None:
        return CandlePath(market.candles, spread)
    assert market.last_tick is not None
    return TickPath(market.ticks, market.candles, market.last_tick, grace_ms)


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


class TickPath:
    """Quote by quote. The feed closes a candle at the first quote behind its end, or when its grace is over."""

    has_quotes = True

    def __init__(self, ticks: Ticks, candles: Candles, last_tick: Places, grace_ms: int) -> None:
        self._ticks = ticks
        self._last_tick = last_tick
        self.quotes_ms = ticks.epoch_ms[last_tick]
        following = last_tick + 1
        is_there = following < len(ticks)
        self.next_ms = np.where(is_there, ticks.epoch_ms[np.where(is_there, following, 0)], NEVER_MS)
        self.closings_ms = np.minimum(candles.end_ms + grace_ms, self.next_ms)
        self.known_ms = np.where(self.closings_ms == self.next_ms, self.next_ms, self.quotes_ms)

    def closing_price(self, candle: int) -> Price:
        """Tell the last quote of a candle."""
        return self.price(int(self._last_tick[candle]))

    def next_price(self, candle: int) -> Price | None:
        """Tell the first quote that is later than the candle's last one."""
        place = self._after(int(self.quotes_ms[candle]))
        return self.price(place) if place < len(self._ticks) else None

    def known_price(self, candle: int) -> Price | None:
        """Tell the quote that closed a candle; None where the grace was over before it."""
        if self.known_ms[candle] == self.quotes_ms[candle]:
            return None
        return self.price(int(self._last_tick[candle]) + 1)

    def prices_after(self, moment_ms: int) -> Iterator[Price]:
        """Tell the quotes later than a moment."""
        return map(self.price, range(self._after(moment_ms), len(self._ticks)))

    def walk(self, side: Side, candle: int, opened_ms: int) -> Walk:  # noqa: ARG002  # a tape needs no candle
        """Begin at the first quote later than `opened_ms`."""
        return TickWalk(self, self._ticks, side, self._after(opened_ms))

    def price(self, place: int) -> Price:
        """Tell the quote at a place of the tape."""
        ticks = self._ticks
        return Price(int(ticks.epoch_ms[place]), float(ticks.bid[place]), float(ticks.ask[place]))

    def _after(self, moment_ms: int) -> int:
        return int(np.searchsorted(self._ticks.epoch_ms, moment_ms, side="right"))


class TickWalk:
    """From quote to quote that matters."""

    def __init__(self, path: TickPath, ticks: Ticks, side: Side, start: int) -> None:
        self._path = path
        self._epoch_ms: Moments = ticks.epoch_ms
        self._prices: Floats = ticks.bid if side is Side.BUY else ticks.ask
        self._place = start

    def next(self, band: Band) -> Look | None:
        """Find the first quote at or beyond an edge of the band, or at or behind its deadline."""
        end = len(self._prices)
        if band.deadline_ms is not None:
            end = max(self._place, int(np.searchsorted(self._epoch_ms, band.deadline_ms)))
        place = first_reaching(self._prices[:end], self._prices[:end], band, self._place)
        if place is None:
            place = end
        if place >= len(self._prices):
            return None
        self._place = place + 1
        price = self._path.price(place)
        return Look(price, is_passed=False, closed_ms=price.epoch_ms)


class CandlePath:
    """What candles alone can tell, with a fixed spread (in price) around the mid.

    Inside a candle prices go from the open to the extreme that hurts, then to the one that helps, then to the close:
    where a candle spans both levels, the stop was first. From one candle's close to the next one's open they jump;
    inside a candle they pass every price, so a level is had exactly.
    """

    has_quotes = False

    def __init__(self, candles: Candles, spread: float) -> None:
        self._candles = candles
        self.closings_ms = candles.end_ms
        self.quotes_ms = self.known_ms = candles.end_ms - 1
        self.next_ms = np.append(candles.open_time_s[1:] * 1000, NEVER_MS)
        self._half = spread / 2
        halves = {side: self._half * side.sign for side in Side}
        self.lows = {side: np.round(candles.low - half, DECIMALS) for side, half in halves.items()}
        self.highs = {side: np.round(candles.high - half, DECIMALS) for side, half in halves.items()}

    def closing_price(self, candle: int) -> Price:
        """Tell the close, a millisecond before the candle's end."""
        return self.price(int(self.quotes_ms[candle]), float(self._candles.close[candle]))

    def next_price(self, candle: int) -> Price | None:
        """Tell the open of the next candle."""
        if candle + 1 >= len(self._candles):
            return None
        return self.price(self.opens_ms(candle + 1), float(self._candles.open[candle + 1]))

    def known_price(self, candle: int) -> Price | None:  # noqa: ARG002  # of no candle
        """Tell nothing: candles do not know which quote closed them."""
        return None

    def prices_after(self, moment_ms: int) -> Iterator[Price]:  # noqa: ARG002  # at no moment
        """Tell nothing: there are no quotes."""
        return iter(())

    def opens_ms(self, candle: int) -> int:
        """Tell the candle's beginning."""
        return int(self._candles.open_time_s[candle]) * 1000

    def first_closing(self, moment_ms: int) -> int:
        """Find the first candle whose close is told at or behind a moment."""
        return int(np.searchsorted(self.quotes_ms, moment_ms))

    def walk(self, side: Side, candle: int, opened_ms: int) -> Walk:
        """Begin inside the candle behind `candle`."""
        return CandleWalk(self, side, candle + 1, opened_ms)

    def price(self, moment_ms: int, mid: float) -> Price:
        """Put the spread around a mid."""
        return Price(moment_ms, round(mid - self._half, DECIMALS), round(mid + self._half, DECIMALS))

    def looks(self, side: Side, candle: int, opened_ms: int) -> Iterator[Look]:
        """Tell the four prices of a candle in the order of the rule; the open not where the trade opened at it."""
        candles, opens_ms, known_ms = self._candles, self.opens_ms(candle), int(self.quotes_ms[candle])
        hurts, helps = (candles.low, candles.high) if side is Side.BUY else (candles.high, candles.low)
        if opens_ms > opened_ms:
            yield Look(self.price(opens_ms, float(candles.open[candle])), is_passed=False, closed_ms=opens_ms)
        for mids in (hurts, helps):
            price = self.price(opens_ms + 1, float(mids[candle]))  # a deadline inside the candle waits for its close
            yield Look(price, is_passed=True, closed_ms=known_ms)
        yield Look(self.price(known_ms, float(candles.close[candle])), is_passed=True, closed_ms=known_ms)


class CandleWalk:
    """From candle to candle that matters, and through it."""

    def __init__(self, path: CandlePath, side: Side, start: int, opened_ms: int) -> None:
        self._path = path
        self._side = side
        self._lows, self._highs = path.lows[side], path.highs[side]
        self._opened_ms = opened_ms
        self._place = start
        self._inside: Iterator[Look] = iter(())

    def next(self, band: Band) -> Look | None:
        """Go on inside the candle, then to the next one that reaches an edge of the band or holds its deadline."""
        look = next(self._inside, None)
        while look is None:
            place = self._find(band)
            if place is None:
                return None
            self._place = place + 1
            self._inside = self._path.looks(self._side, place, self._opened_ms)
            look = next(self._inside, None)
        return look

    def _find(self, band: Band) -> int | None:
        end = len(self._lows)
        if band.deadline_ms is not None:
            end = max(self._place, self._path.first_closing(band.deadline_ms))
        place = first_reaching(self._lows[:end], self._highs[:end], band, self._place)
        if place is None:
            place = end
        return place if place < len(self._lows) else None


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
