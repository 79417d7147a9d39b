"""The way of prices where only candles are known, by a stated rule inside each."""

from collections.abc import Iterator

import numpy as np

from contracts.messages import Side
from research.market import DECIMALS, Candles
from research.paths import NEVER_MS, Band, Look, Walk, first_reaching
from services.positions.domain.exits import Price


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
