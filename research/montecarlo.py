"""How much of a result was the order of its trades, their draw, or the exact prices: the same again, by chance.

Three questions. Shuffled: the same trades in another order end at the same P/L, but by other drawdowns. Drawn: trades
drawn with replacement from those there were, as another stretch of the same market might have brought them. Noise: the
strategy run again on prices that differ by a fraction of a candle. The same seed gives the same answers.

Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics, 1979.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from research.candles import market_of
from research.market import Candles, Floats, Market, Ticks
from research.runs import run_in_parts
from research.trades import Rules
from services.signals.domain.strategy import Strategy

PERCENTILES = (5, 25, 50, 75, 95)
MOST_POINTS = 240
"""Points of a band: more than a picture shows."""
AT_ONCE = 4_000_000
"""Numbers held at a time."""


class Chance(StrEnum):
    """What is left to chance."""

    SHUFFLED = "shuffled"
    DRAWN = "drawn"
    NOISE = "noise"


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Percentiles of the running P/L: a row for each of `PERCENTILES`, a column for each of `trades` closed."""

    trades: tuple[int, ...]
    equity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """What many runs came to: the P/L at the end and the deepest drawdown of each."""

    chance: Chance
    final: Floats
    drawdown: Floats
    bands: Bands | None = None

    def percentiles(self, values: Floats) -> list[float]:
        """Tell the percentiles of `final` or `drawdown`."""
        return [round(float(value), 2) for value in np.percentile(values, PERCENTILES)]

    @property
    def chance_of_loss(self) -> float:
        """Tell the share of runs that end below zero."""
        return float((self.final < 0).mean())


def reordered(pnls: Sequence[float], chance: Chance, *, runs: int, seed: int) -> Cloud:
    """Run trades again, shuffled or drawn."""
    randomness = np.random.default_rng((seed, list(Chance).index(chance)))
    results, count = np.asarray(pnls, dtype=np.float64), len(pnls)
    points = np.unique(np.linspace(0, count, min(count + 1, MOST_POINTS)).astype(int))
    finals, depths, shown = [], [], []
    portion = max(1, AT_ONCE // max(count, 1))
    for first in range(0, runs, portion):
        many = min(portion, runs - first)
        equity = _equity(results, chance, many, randomness)
        finals.append(equity[:, -1])
        depths.append((np.maximum.accumulate(equity, axis=1) - equity).max(axis=1))
        shown.append(equity[:, points])
    bands = np.percentile(np.concatenate(shown), PERCENTILES, axis=0)
    return Cloud(
        chance, np.concatenate(finals).round(2), np.concatenate(depths).round(2), Bands(tuple(points.tolist()), bands)
    )


def _equity(results: Floats, chance: Chance, many: int, randomness: np.random.Generator) -> Floats:
    """Return running sums, a row for each run; each begins at zero."""
    count = len(results)
    if chance is Chance.SHUFFLED:
        drawn = randomness.permuted(np.tile(results, (many, 1)), axis=1)
    else:
        drawn = results[randomness.integers(0, count, (many, count))]
    return np.concatenate([np.zeros((many, 1)), np.cumsum(drawn, axis=1)], axis=1)


def with_noise(market: Market, *, share: float, digits: int, seed: int, run: int) -> Market:
    """Return the market with every price moved a little: σ is `share` of the mean range of a candle.

    The noise is drawn at the ends of candles and runs straight between them, so that prices stay joined. Quotes keep
    their spread, and candles are folded from them again; without quotes open and close move, and highs and lows with
    the mean of both.
    """
    randomness = np.random.default_rng((seed, 1000 + run))
    candles = market.candles
    sigma = share * float((candles.high - candles.low).mean())
    at_ends = randomness.normal(0.0, sigma, len(candles) + 1)
    if market.ticks is None:
        extremes = randomness.normal(0.0, sigma / 2, (2, len(candles)))
        return replace(market, candles=_moved_candles(candles, at_ends, extremes, digits))
    return _moved_ticks(market, market.ticks, at_ends, digits)


def _moved_candles(candles: Candles, at_ends: Floats, extremes: Floats, digits: int) -> Candles:
    opens, closes = candles.open + at_ends[:-1], candles.close + at_ends[1:]
    middle = (at_ends[:-1] + at_ends[1:]) / 2
    highs, lows = candles.high + middle + extremes[0], candles.low + middle + extremes[1]
    opens, closes, highs, lows = (np.round(column, digits) for column in (opens, closes, highs, lows))
    highs = np.maximum.reduce([opens, closes, highs, lows])
    lows = np.minimum.reduce([opens, closes, lows])
    return Candles(candles.interval, candles.open_time_s, opens, highs, lows, closes, candles.volume)


def _moved_ticks(market: Market, ticks: Ticks, at_ends: Floats, digits: int) -> Market:
    edges_ms = np.append(market.candles.open_time_s * 1000, market.candles.end_ms[-1:])
    offset = np.round(np.interp(ticks.epoch_ms, edges_ms, at_ends), digits)
    moved = Ticks(ticks.epoch_ms, np.round(ticks.bid + offset, digits + 1), np.round(ticks.ask + offset, digits + 1))
    return market_of(market.symbol, moved, market.candles.interval)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the backtest itself came to: running P/L from zero on, its end, and its deepest drawdown."""

    equity: tuple[float, ...]
    final: float
    drawdown: float


def observed(pnls: Sequence[float]) -> Observed:
    """Add up the trades in the order in which they closed."""
    equity = np.concatenate([[0.0], np.cumsum(pnls)]).round(2)
    drawdown = float((np.maximum.accumulate(equity) - equity).max())
    return Observed(tuple(equity.tolist()), float(equity[-1]), round(drawdown, 2))


@dataclass(frozen=True, slots=True)
class NoisyRun:
    """What the strategy came to on the prices of one noisy run."""

    run: int
    final: float
    drawdown: float
    trades: int


def noisy_run(
    build: Callable[[], Strategy[Any]], market: Market, rules: Rules, share: float, seed: int, run: int
) -> NoisyRun:
    """Run the strategy on noisy prices. The run's number is what its noise is drawn from."""
    moved = with_noise(market, share=share, digits=rules.instrument.digits, seed=seed, run=run)
    *_, trades = run_in_parts(build(), moved, rules, [int(moved.candles.end_ms[-1])])
    found = observed([float(trade.pnl) for trade in trades])
    return NoisyRun(run, found.final, found.drawdown, len(trades))


def by_noise(runs: Sequence[NoisyRun]) -> Cloud:
    """Gather noisy runs, in whatever order they were finished."""
    ordered = sorted(runs, key=lambda one: one.run)
    return Cloud(Chance.NOISE, np.array([one.final for one in ordered]), np.array([one.drawdown for one in ordered]))
