"""One UTC day as the venue tells it: at most one quote per second, and the candles of those quotes.

Deriv streams the last quote of a second and folds its candles from what it streams. Both come from the same rows here,
so history and live agree to the last digit. There is no candle for a minute without quotes.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sandbox.exchange.quotes import Quote

MINUTE_S = 60


class Spot(NamedTuple):
    """The last quote of one second; `quote` is the mid. `epoch_ms` is the moment it was made."""

    epoch_ms: int
    bid: float
    ask: float
    quote: float

    @property
    def epoch(self) -> int:
        """The second, as the venue writes it."""
        return self.epoch_ms // 1000


class Candle(NamedTuple):
    """Open, high, low and close of the mids from `epoch` (seconds) on."""

    epoch: int
    open: float
    high: float
    low: float
    close: float


class DaySheet:
    """The spots of one day in columns, oldest first, with its M1 candles folded once."""

    def __init__(self, quotes: Iterable[Quote], decimals: int) -> None:
        """Fold a day's quotes; bid and ask are rounded to `decimals`, the mid to one more so that it stays exact."""
        self._moments: array[int] = array("q")
        self._bids: array[float] = array("d")
        self._asks: array[float] = array("d")
        self._choose(quotes, decimals)
        mids = ((bid + ask) / 2 for bid, ask in zip(self._bids, self._asks, strict=True))
        self._mids: array[float] = array("d", [round(mid, decimals + 1) for mid in mids])
        self._minutes = list(self._fold())

    def __len__(self) -> int:
        """Count the spots of the day."""
        return len(self._moments)

    def _choose(self, quotes: Iterable[Quote], decimals: int) -> None:
        """Keep the last quote of each second."""
        moments, bids, asks, second = self._moments, self._bids, self._asks, -1
        for epoch_ms, bid, ask in quotes:
            if epoch_ms // 1000 == second:
                moments[-1], bids[-1], asks[-1] = epoch_ms, round(bid, decimals), round(ask, decimals)
            else:
                second = epoch_ms // 1000
                moments.append(epoch_ms)
                bids.append(round(bid, decimals))
                asks.append(round(ask, decimals))

    def _fold(self) -> Iterator[Candle]:
        """Fold whole minutes, a slice of the columns each: a day is made while somebody waits for it."""
        first = 0
        while first < len(self):
            epoch = self._moments[first] // 60_000 * MINUTE_S
            end = self.first_at((epoch + MINUTE_S) * 1000)
            mids = self._mids[first:end]
            yield Candle(epoch, mids[0], max(mids), min(mids), mids[-1])
            first = end

    def first_at(self, epoch_ms: int) -> int:
        """Find the index of the first spot at or after a moment."""
        return bisect_left(self._moments, epoch_ms)

    def spots(self, first: int, end: int) -> Iterator[Spot]:
        """Read the spots with index `first <= i < end`, oldest first."""
        columns = (self._moments, self._bids, self._asks, self._mids)
        yield from map(Spot, *(column[first:end] for column in columns))

    def candles(self, granularity_s: int, end_ms: int) -> list[Candle]:
        """Fold the spots before `end_ms` into candles, oldest first; the last one may still be forming."""
        minute_ms = end_ms // 60_000 * 60_000
        whole = bisect_left(self._minutes, minute_ms // 1000, key=lambda candle: candle.epoch)
        forming = fold(self.spots(self.first_at(minute_ms), self.first_at(end_ms)), MINUTE_S)
        return list(roll_up([*self._minutes[:whole], *forming], granularity_s))


def fold(spots: Iterable[Spot], granularity_s: int) -> Iterator[Candle]:
    """Fold spots, oldest first, into candles, oldest first."""
    return roll_up(
        (Candle(spot.epoch, spot.quote, spot.quote, spot.quote, spot.quote) for spot in spots), granularity_s
    )


def roll_up(candles: Iterable[Candle], granularity_s: int) -> Iterator[Candle]:
    """Merge candles, oldest first, into wider ones that start at multiples of `granularity_s` since 1970."""
    start, opened, high, low, close = -1, 0.0, 0.0, 0.0, 0.0
    for candle in candles:
        bucket = candle.epoch - candle.epoch % granularity_s
        if bucket != start:
            if start >= 0:
                yield Candle(start, opened, high, low, close)
            start, opened, high, low, close = bucket, *candle[1:]
        else:
            high, low, close = max(high, candle.high), min(low, candle.low), candle.close
    if start >= 0:
        yield Candle(start, opened, high, low, close)
