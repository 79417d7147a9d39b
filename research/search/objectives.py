"""What a search makes as large as it can, and when a number of trades is too small to mean anything."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from research.statistics import ZERO, Closed, daily, drawdowns, sharpe

HIGHEST_FACTOR = 10.0
"""A profit factor or a return over drawdown is cut here: without a loss it is infinite, and says little."""


class Objective(StrEnum):
    """One number that tells how good a row of trades is; more is better."""

    PROFIT_FACTOR = "profit_factor"
    """Sum of the wins over the sum of the losses."""
    EXPECTANCY_R = "expectancy_r"
    """Mean result of a trade in R."""
    SHARPE = "sharpe"
    """Mean over spread of daily P/L, scaled to a year."""
    CALMAR = "calmar"
    """P/L over the maximum drawdown of the same span, not scaled to a year. Source: T. Young, "Calmar Ratio: A
    Smoother Tool", Futures, October 1991.
    """


def score(
    objective: Objective, trades: Sequence[Closed], *, candle_ends_ms: Sequence[int], fewest: int
) -> float | None:
    """Judge trades, in the order in which they closed; None where they are fewer than `fewest` or cannot be judged."""
    if len(trades) < max(fewest, 1):
        return None
    pnls = [trade.pnl for trade in trades]
    match objective:
        case Objective.PROFIT_FACTOR:
            wins, losses = sum((p for p in pnls if p > 0), ZERO), -sum((p for p in pnls if p < 0), ZERO)
            return _over(wins, losses)
        case Objective.EXPECTANCY_R:
            return sum(trade.r for trade in trades) / len(trades)
        case Objective.SHARPE:
            return sharpe(daily(trades, candle_ends_ms))
        case Objective.CALMAR:
            return _over(sum(pnls, ZERO), max(drawdowns(pnls)))


def _over(above: Decimal, below: Decimal) -> float:
    if not below:
        return HIGHEST_FACTOR if above > 0 else 0.0
    return min(float(above / below), HIGHEST_FACTOR)
