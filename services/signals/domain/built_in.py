"""The strategies that come with the product, by name."""

from collections.abc import Mapping
from typing import Any

from services.signals.domain.strategies.breakout import Breakout
from services.signals.domain.strategies.ema_cross import EmaCross
from services.signals.domain.strategies.range_reversion import RangeReversion
from services.signals.domain.strategy import Strategy
from services.signals.domain.trend_pullback import TrendPullback

BUILT_IN: Mapping[str, type[Strategy[Any]]] = {
    one.name: one for one in (TrendPullback, EmaCross, Breakout, RangeReversion)
}
