"""Random markets for tests of searches: seeded walks in cents, long enough to cross the seams of indicators."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from contracts.messages import Interval
from research.candles import market_of
from research.market import Candles, Market, Ticks
from services.signals.domain.strategy import Strategy, build_strategy
from tests.research.builders import NOON_S
from tests.research.crossing import Crossing


def a_walk(count: int, *, seed: int = 7, sigma: float = 0.0006, flat: float = 0.0) -> Candles:
    """Minutes of a random walk, four steps each; `flat` is the share of minutes in which nothing moves."""
    randomness = np.random.default_rng(seed)
    steps = randomness.standard_normal((count, 4)) * sigma / 2
    steps[randomness.random(count) < flat] = 0.0
    path = np.round(4000 * np.exp(np.cumsum(steps.reshape(-1))), 2).reshape(count, 4)
    opens = np.concatenate([[4000.0], path[:-1, 3]])
    times_s = NOON_S + 60 * np.arange(count, dtype=np.int64)
    highs, lows = np.maximum(path.max(axis=1), opens), np.minimum(path.min(axis=1), opens)
    return Candles(Interval.M1, times_s, opens, highs, lows, path[:, 3].copy(), np.full(count, 60.0))


def a_market(count: int, **changes: Any) -> Market:
    """A market of candles alone."""
    return Market("XAUUSD", a_walk(count, **changes))


def a_tape(count: int, *, seed: int = 7) -> Market:
    """A market of quotes, about three a minute, some minutes with none."""
    randomness = np.random.default_rng(seed)
    moments_ms = NOON_S * 1000 + np.cumsum(randomness.integers(500, 40_000, count * 3))
    mids = np.round(4000 + np.cumsum(randomness.standard_normal(count * 3)) * 0.6, 2)
    return market_of("XAUUSD", Ticks(moments_ms, np.round(mids - 0.1, 2), np.round(mids + 0.1, 2)), Interval.M1)


def a_crossing(parameters: Mapping[str, Any]) -> Strategy[Any]:
    """Make the tests' own strategy; a worker can be told to."""
    return build_strategy(Crossing, parameters)


def write_candles(candles: Candles, path: Path) -> Path:
    """Write a candle file."""
    it = candles
    columns = (it.open_time_s, it.open, it.high, it.low, it.close, it.volume)
    rows = [",".join(map(repr, row)) for row in zip(*(column.tolist() for column in columns), strict=True)]
    path.write_text("\n".join(["epoch_s,open,high,low,close,volume", *rows]) + "\n")
    return path
