"""From which candle on an indicator is fed, so that its value is a function of the market and of nothing else.

An average remembers its first point, if only in the last digits. Were it seeded where a program happened to start, two
copies would differ there, and once in a while in a signal. So time is cut into blocks of `BLOCK` intervals since 1970,
and for every candle of a block the averages are seeded at one place: the first candle of the latest block that begins
at least `WARM_UP` candles before this one; where there are not as many, the first candle of all. Whoever holds the
last `HELD` candles finds that place, whenever they came: live, after a restart, and in a backtest.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.signals.domain.columns import Moments

WARM_UP = 2_500
"""Candles behind every value, where there are as many: an EMA 200 has then forgotten its seed to 2e-11 of it."""

BLOCK = 1_250
"""Length of a block in intervals; it holds as many candles or fewer, for markets close."""

HELD = WARM_UP + 2 * BLOCK
"""Candles that are enough to find the seed of the newest one; as many are kept in the stream."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The candles at [first, last), which are all judged on indicators that are fed from the one at `seed` on."""

    seed: int
    first: int
    last: int


def block_of(open_time_s: int, interval_s: int) -> int:
    """Return the number of the block that a candle lies in."""
    return open_time_s // (interval_s * BLOCK)


def stretches(open_time_s: Moments, interval_s: int) -> Iterator[Stretch]:
    """Part candles, whose times rise, into stretches of equal seed, oldest first; none is left out."""
    if not len(open_time_s):
        return
    blocks = open_time_s // (interval_s * BLOCK)
    firsts = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist()]
    for first, last in zip(firsts, [*firsts[1:], len(blocks)], strict=True):
        place = bisect_right(firsts, first - WARM_UP)
        yield Stretch(firsts[place - 1] if place else 0, first, last)


def last_stretch(open_time_s: Moments, interval_s: int) -> Stretch:
    """Return the stretch of the newest candle; there is one candle or more."""
    *_, newest = stretches(open_time_s, interval_s)
    return newest
