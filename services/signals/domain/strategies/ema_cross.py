"""Follow a new trend: two averages cross, and relative strength agrees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from contracts.messages import Interval, Side
from services.signals.domain.arrays import Arrays
from services.signals.domain.classic import Columnar, Ema
from services.signals.domain.columns import Columns
from services.signals.domain.levels import Levels, levels_at
from services.signals.domain.of_column import OfColumn
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.oscillators import RelativeStrength
from services.signals.domain.strategy import Strategy, tunable
from services.signals.domain.view import View

QUIET = NoSignal(("why.no_cross",))
DISAGREES = {side: NoSignal((f"why.rsi_agrees.{side.lower()}",)) for side in Side}
REASONS = {side: (f"reason.ema_crossed.{side.lower()}", f"reason.rsi_beyond_middle.{side.lower()}") for side in Side}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmaCrossParameters:
    """Periods in candles, distances in percent of the price.

    RSI must stand above `rsi_middle` for BUY, and below 100 − `rsi_middle` for SELL.
    Raises ValueError where the fast average is not faster than the slow one.
    """

    fast: int = tunable(20, low=5, high=40, step=5)
    slow: int = tunable(50, low=30, high=200, step=10)
    rsi_period: int = tunable(14, low=7, high=28, step=7)
    rsi_middle: float = tunable(50.0, low=50.0, high=65.0, step=2.5)
    stop_percent: float = tunable(1.0, low=0.1, high=3.0, step=0.1)
    target_percent: float = tunable(2.0, low=0.1, high=6.0, step=0.1)

    def __post_init__(self) -> None:
        """Refuse averages that are the wrong way round."""
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} must be less than slow {self.slow}")


class EmaCross(Strategy[EmaCrossParameters]):
    """Buys where the fast EMA has just come above the slow one and RSI stands above its middle; sells mirrored."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "ema_cross"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M5, Interval.M1, Interval.M15, Interval.H1)
    candles_needed: ClassVar[int] = 201
    parameters_type: ClassVar[type] = EmaCrossParameters

    def indicators(self) -> Mapping[str, Columnar[Any]]:
        """Return the two averages and relative strength, all of the close."""
        own = self.parameters
        return {
            "ema_fast": Ema(own.fast),
            "ema_slow": Ema(own.slow),
            "rsi": OfColumn("close", RelativeStrength(own.rsi_period)),
        }

    def evaluate(self, view: View) -> Signal | NoSignal:
        """Return a signal on the candle of a cross."""
        fast, slow, rsi = view.values
        fast_before, slow_before, _ = view.values_before
        if fast > slow:
            if fast_before > slow_before:
                return QUIET
            side, agrees = Side.BUY, rsi > self.parameters.rsi_middle
        elif fast < slow and fast_before >= slow_before:
            side, agrees = Side.SELL, rsi < 100.0 - self.parameters.rsi_middle
        else:
            return QUIET
        return self.trade(side, view, reasons=REASONS[side]) if agrees else DISAGREES[side]

    def levels(self, side: Side, view: View, strength: float) -> Levels:
        """Return stop and target at fixed percentages of the price."""
        del strength
        own, entry = self.parameters, view.candle.close
        return levels_at(
            side, entry, stop_distance=entry * own.stop_percent / 100, rr=own.target_percent / own.stop_percent
        )

    def sides(self, columns: Columns, values: Arrays) -> NDArray[np.int8]:
        """Return the crosses that relative strength agrees with."""
        del columns
        return _crosses(
            values["ema_fast"], values["ema_slow"], values["rsi"], self.parameters.rsi_middle, self.candles_needed
        )


def _crosses(
    fast: NDArray[np.float64], slow: NDArray[np.float64], rsi: NDArray[np.float64], middle: float, needed: int
) -> NDArray[np.int8]:
    """Return +1, −1 or 0 for each candle; 0 before the `needed`th and where a number is undefined, here or before."""
    sides = np.zeros(len(fast), dtype=np.int8)
    rises = (fast[1:] > slow[1:]) & (fast[:-1] <= slow[:-1]) & (rsi[1:] > middle)
    falls = (fast[1:] < slow[1:]) & (fast[:-1] >= slow[:-1]) & (rsi[1:] < 100.0 - middle)
    sides[1:] = rises.astype(np.int8) - falls.astype(np.int8)
    sides[1:][np.isnan(rsi[:-1])] = 0
    sides[: needed - 1] = 0
    return sides
