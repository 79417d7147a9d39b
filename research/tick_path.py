"""The way of prices on a tape, quote by quote."""

from collections.abc import Iterator

import numpy as np

from contracts.messages import Side
from research.market import Candles, Floats, Moments, Places, Ticks
from research.paths import NEVER_MS, Band, Look, Walk, first_reaching
from services.positions.domain.exits import Price


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
