"""Other futures: the same candles up to a place, and something else behind it; or the same prices at another time."""

from dataclasses import replace
from math import lcm

import numpy as np

from research.market import Candles, Floats
from services.signals.domain.anchors import BLOCK

WEEK_S = 7 * 86_400
BENT_SIGMA = 0.002
"""Spread of one bent candle's move, as a share of its price: enough to turn any average."""


def cut(candles: Candles, place: int) -> Candles:
    """End the data with the candle at `place`."""
    return candles.slice(0, place + 1)


def bent(candles: Candles, place: int, seed: int) -> Candles:
    """Go on behind `place` at the same times with other prices: a random walk from its close."""
    randomness = np.random.default_rng((seed, place))
    behind = len(candles) - place - 1
    closes = candles.close[place] * np.exp(np.cumsum(randomness.normal(0.0, BENT_SIGMA, behind)))
    opens = np.concatenate([candles.close[place : place + 1], closes[:-1]])[:behind]
    reach = 1 + np.abs(randomness.normal(0.0, BENT_SIGMA, (2, behind)))
    highs, lows = np.maximum(opens, closes) * reach[0], np.minimum(opens, closes) / reach[1]
    return replace(
        candles,
        open=_joined(candles.open, place, opens),
        high=_joined(candles.high, place, highs),
        low=_joined(candles.low, place, lows),
        close=_joined(candles.close, place, closes),
    )


def _joined(column: Floats, place: int, behind: Floats) -> Floats:
    return np.concatenate([column[: place + 1], behind])


def moved_by_s(candles: Candles) -> int:
    """Tell how far a market can be moved without changing what a strategy may know: whole weeks, so that hours and
    weekdays stay, and whole blocks, so that indicators are seeded at the same candles.
    """
    return lcm(WEEK_S, candles.interval.seconds * BLOCK)


def moved(candles: Candles) -> Candles:
    """Put the same prices at a later time."""
    return replace(candles, open_time_s=candles.open_time_s + moved_by_s(candles))
