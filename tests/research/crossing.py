"""A strategy of the tests and of the benchmark's kind: two averages cross, and relative strength agrees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from contracts.messages import Interval, Side
from services.signals.domain.arrays import Arrays
from services.signals.domain.candle import Candle
from services.signals.domain.classic import Classic
from services.signals.domain.columns import Columns
from services.signals.domain.indicator import Indicator
from services.signals.domain.levels import Levels
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.strategy import Strategy, tunable
from services.signals.domain.view import View

SILENT = NoSignal(("why.no_cross",))


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingParameters:
    fast: int = tunable(20, low=5, high=40, step=1)
    slow: int = tunable(50, low=20, high=120, step=5)
    strength: int = tunable(14, low=5, high=30, step=1)
    middle: float = tunable(50.0, low=40.0, high=60.0, step=1.0)
    stop_percent: float = tunable(1.0, low=0.05, high=2.0, step=0.05)
    target_percent: float = tunable(2.0, low=0.05, high=4.0, step=0.05)

    def __post_init__(self) -> None:
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} must be shorter than slow {self.slow}")


class Crossing(Strategy[CrossingParameters]):
    """Buys where the fast average rises above the slow one and RSI stands above its middle; sells mirrored."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "crossing"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M1,)
    candles_needed: ClassVar[int] = 122
    window_length: ClassVar[int] = 1
    parameters_type: ClassVar[type] = CrossingParameters

    def indicators(self) -> Mapping[str, Indicator[Candle, Any]]:
        own = self.parameters
        return {
            "fast": Classic("EMA", ("close",), timeperiod=own.fast),
            "slow": Classic("EMA", ("close",), timeperiod=own.slow),
            "strength": Classic("RSI", ("close",), timeperiod=own.strength),
        }

    def evaluate(self, view: View) -> Signal | NoSignal:
        now, before = view.now, view.before
        fast, slow, middle = now.fast, now.slow, self.parameters.middle
        if fast > slow and before.fast <= before.slow and now.strength > middle:
            return self.trade(Side.BUY, view, reasons=("reason.crossed.buy",))
        if fast < slow and before.fast >= before.slow and now.strength < 100 - middle:
            return self.trade(Side.SELL, view, reasons=("reason.crossed.sell",))
        return SILENT

    def levels(self, side: Side, view: View, strength: float) -> Levels | None:
        entry, own = view.candle.close, self.parameters
        stop, target = entry * own.stop_percent / 100, entry * own.target_percent / 100
        return Levels(entry - side.sign * stop, entry + side.sign * target, target / stop)

    def sides(self, columns: Columns, values: Arrays) -> NDArray[np.int8]:
        middle = self.parameters.middle
        gap, strength = values["fast"] - values["slow"], values["strength"]
        found = np.zeros(len(gap), np.int8)
        found[1:][(gap[1:] > 0) & (gap[:-1] <= 0) & (strength[1:] > middle)] = 1
        found[1:][(gap[1:] < 0) & (gap[:-1] >= 0) & (strength[1:] < 100 - middle)] = -1
        return found
