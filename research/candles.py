"""Quotes into candles, a column at a time: the same candles, to the last bit, as the feed folds quote by quote.

Aligned to UTC; an interval without a quote has no candle. The first and the last one hold what the quotes have of
them. That this is equal to the feed's own folding is held by a property test: the rooms do not share code with
research, but they share its meaning.
"""

import numpy as np

from contracts.messages import Interval
from research.market import Candles, Floats, Market, Moments, Places, Ticks

MID_DECIMALS = 8
"""A mid needs one decimal more than its quotes. As in the feed: drops binary noise, keeps seven-decimal venues."""


def fold(ticks: Ticks, interval: Interval) -> tuple[Candles, Places]:
    """Fold quotes into candles; returns them with the place of the quote that each closed with.

    Mids are rounded once per price of a candle and not per quote: rounding keeps order, so the result is the same.
    """
    opens_s = ticks.epoch_ms // (interval.seconds * 1000) * interval.seconds
    first = np.flatnonzero(np.diff(opens_s, prepend=opens_s[:1] - 1))
    last = np.append(first[1:], len(ticks)) - 1
    mid = (ticks.bid + ticks.ask) / 2
    candles = Candles(
        interval=interval,
        open_time_s=opens_s[first],
        open=_rounded(mid[first]),
        high=_rounded(np.maximum.reduceat(mid, first)),
        low=_rounded(np.minimum.reduceat(mid, first)),
        close=_rounded(mid[last]),
        volume=(last - first + 1).astype(np.float64),
    )
    return candles, last


def market_of(symbol: str, ticks: Ticks, interval: Interval) -> Market:
    """Make the market of a tape. Raises MarketError where the quotes are none."""
    ticks.check()
    candles, last_tick = fold(ticks, interval)
    return Market(symbol, candles, ticks, last_tick)


def _rounded(prices: Floats) -> Floats:
    """Round as Python does, exactly: numpy's own rounding is off by a bit where the scaled price has no place."""
    return np.array([round(price, MID_DECIMALS) for price in prices.tolist()], dtype=np.float64)


def finer_interval(times_s: Moments, wanted: Interval) -> Interval:
    """Tell of which interval candles are, by their smallest distance; a single one is of the wanted one."""
    if len(times_s) < 2:
        return wanted
    least_s = int(np.diff(times_s).min())
    fitting = [one for one in Interval if one.seconds <= least_s]
    return max(fitting, key=lambda one: one.seconds, default=Interval.M1)


def roll_up(candles: Candles, interval: Interval) -> Candles:
    """Build longer candles from shorter ones, as the feed does; the last one holds what there is of it."""
    if candles.interval is interval or not len(candles):
        return candles
    opens_s = candles.open_time_s // interval.seconds * interval.seconds
    first = np.flatnonzero(np.diff(opens_s, prepend=opens_s[:1] - 1))
    last = np.append(first[1:], len(candles)) - 1
    return Candles(
        interval=interval,
        open_time_s=opens_s[first],
        open=candles.open[first],
        high=np.maximum.reduceat(candles.high, first),
        low=np.minimum.reduceat(candles.low, first),
        close=candles.close[last],
        volume=np.add.reduceat(candles.volume, first),
    )
