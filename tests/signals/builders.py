"""Candles for tests: the published golden series, real looking random ones, and mirrors of both."""

import math
import random
from collections.abc import Sequence

from hypothesis import strategies as st

from services.signals.domain.candle import Candle

MIRROR = 8000.0


def golden_series(count: int, *, sign: int = 1) -> list[Candle]:
    """The series of the specification: a trend with a slow and a fast wave, `sign` −1 turned upside down."""
    closes = [4000 + sign * (0.12 * i + 3 * math.sin(i / 9) + 0.9 * math.sin(1.7 * i)) for i in range(count)]
    opens = [closes[0], *closes]
    return [
        Candle(
            open_time_s=60 * i,
            open=o,
            high=max(o, c) + 0.3 + 0.1 * (i % 3),
            low=min(o, c) - 0.3 - 0.1 * (i % 4),
            close=c,
            volume=60 + (7 * i) % 23,
        )
        for i, (o, c) in enumerate(zip(opens, closes, strict=False))
    ]


def flat_series(count: int, *, price: float = 4000.0) -> list[Candle]:
    """A market that stands still."""
    return [Candle(60 * i, price, price, price, price, 10) for i in range(count)]


def mirrored(candles: Sequence[Candle], *, around: float = MIRROR) -> list[Candle]:
    """The same market with every price p at `around` − p, so that rises are falls."""
    return [
        Candle(c.open_time_s, around - c.open, around - c.low, around - c.high, around - c.close, c.volume)
        for c in candles
    ]


def candle_lists(*, low: int, high: int) -> st.SearchStrategy[list[Candle]]:
    """Random walks on a grid of quarter dollars: ties, flat stretches and jumps are common."""
    step = st.tuples(st.integers(-12, 12), st.integers(0, 6), st.integers(0, 6), st.integers(0, 40), st.booleans())
    return st.lists(step, min_size=low, max_size=high).map(_walk)


def _walk(steps: list[tuple[int, int, int, int, bool]]) -> list[Candle]:
    candles = []
    close = 4000.0
    for i, (move, above, below, volume, is_still) in enumerate(steps):
        start, close = close, close if is_still else close + move / 4
        top, bottom = max(start, close), min(start, close)
        reach_up, reach_down = (0, 0) if is_still else (above, below)
        candles.append(Candle(60 * i, start, top + reach_up / 4, bottom - reach_down / 4, close, volume))
    return candles


def wandering_series(seed: int, count: int = 100) -> list[Candle]:
    """A lifelike market without ties: a drift that changes, bursts of volume, now and then a jump."""
    chance = random.Random(seed)
    candles = []
    close = 4000.0
    drift = chance.gauss(0, 0.3)
    for i in range(count):
        if chance.random() < 0.05:
            drift = chance.gauss(0, 0.4)
        jump = chance.gauss(0, 5) if chance.random() < 0.02 else 0.0
        start, close = close, close + drift + jump + chance.gauss(0, 0.8)
        high = max(start, close) + abs(chance.gauss(0, 0.4))
        low = min(start, close) - abs(chance.gauss(0, 0.4))
        candles.append(Candle(60 * i, start, high, low, close, chance.randint(5, 120)))
    return candles


def market_with_breaks(*, seed: int, count: int, interval_s: int = 60, begins_s: int = 1_700_000_040) -> list[Candle]:
    """A wandering market that closes each night and at weekends, and skips a candle here and there."""
    chance = random.Random(seed)
    candles: list[Candle] = []
    close, open_time_s = 4000.0, begins_s - begins_s % interval_s
    for _ in range(count):
        start, close = close, round(close + chance.gauss(0, 0.8) - (close - 4000.0) / 500, 2)
        high = round(max(start, close) + abs(chance.gauss(0, 0.4)), 2)
        low = round(min(start, close) - abs(chance.gauss(0, 0.4)), 2)
        candles.append(Candle(open_time_s, start, high, low, close, float(chance.randint(5, 120))))
        open_time_s += interval_s * (chance.choice((2, 3, 66)) if chance.random() < 0.004 else 1)
        if chance.random() < 0.0007:
            open_time_s += 49 * 3600 // interval_s * interval_s
    return candles
