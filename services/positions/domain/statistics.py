"""What closed trades come to: the ratios of the sums that the store counted.

`research.statistics` comes to the same figures on the same trades. A trade whose P/L is zero is neither a win nor a
loss. Money is Decimal and exact; ratios are floats, None where they are undefined.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from contracts import asks
from services.positions.domain.curve import Curve

LONGEST_DAYS = 3660
DAY_MS = 86_400_000


class By(StrEnum):
    """What trades are counted apart by; an hour is that of the opening, in the reader's own zone."""

    MODE = "mode"
    SIDE = "side"
    STRATEGY = "strategy"
    SYMBOL = "symbol"
    HOUR = "hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some of the trades, by their name among others (`auto`, `XAUUSD`, `14`)."""

    name: str
    trades: int
    wins: int
    losses: int
    pnl: Decimal
    r: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the store counts. Holding times in market seconds; `planned_rr` is the mean over all trades, `win_r` and
    `loss_r` are the sums over wins and losses. `curve` is None where it was not asked for, or there is no trade.
    """

    trades: int
    wins: int
    losses: int
    pnl: Decimal
    r: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    best: Decimal | None
    worst: Decimal | None
    win_r: Decimal
    loss_r: Decimal
    planned_rr: float | None
    max_drawdown: Decimal
    max_drawdown_r: Decimal
    win_streak: int
    loss_streak: int
    hold_s_mean: float | None
    hold_s_median: float | None
    slippage_pips_mean: float | None
    groups: Mapping[By, tuple[Group, ...]] = field(default_factory=dict)
    curve: Curve | None = None


def report(sums: Sums, *, time_zone: str, days: int | None) -> asks.Statistics:
    """Work the ratios out. Profit factor = gross profit / gross loss; realised R:R = mean win / mean loss, in R."""
    average_win_r, average_loss_r = _ratio(float(sums.win_r), sums.wins), _ratio(-float(sums.loss_r), sums.losses)
    hours = sums.groups.get(By.HOUR, ())
    return asks.Statistics(
        days=days,
        time_zone=time_zone,
        trades=sums.trades,
        wins=sums.wins,
        losses=sums.losses,
        win_rate=_ratio(sums.wins, sums.wins + sums.losses),
        pnl=sums.pnl,
        r=round(float(sums.r), 4),
        gross_profit=sums.gross_profit,
        gross_loss=sums.gross_loss,
        profit_factor=_ratio(float(sums.gross_profit), float(sums.gross_loss)),
        expectancy=_ratio(float(sums.pnl), sums.trades),
        expectancy_r=_ratio(round(float(sums.r), 4), sums.trades),
        average_win=_ratio(float(sums.gross_profit), sums.wins),
        average_loss=_ratio(float(sums.gross_loss), sums.losses),
        best=sums.best,
        worst=sums.worst,
        max_drawdown=sums.max_drawdown,
        max_drawdown_r=round(float(sums.max_drawdown_r), 4),
        win_streak=sums.win_streak,
        loss_streak=sums.loss_streak,
        hold_s_mean=sums.hold_s_mean,
        hold_s_median=sums.hold_s_median,
        slippage_pips_mean=sums.slippage_pips_mean,
        planned_rr=sums.planned_rr,
        realised_rr=None if average_win_r is None or average_loss_r is None else _ratio(average_win_r, average_loss_r),
        best_hour=int(max(hours, key=_by_pnl).name) if hours else None,
        worst_hour=int(min(hours, key=_by_pnl).name) if hours else None,
        by_mode=_tallies(sums, By.MODE),
        by_side=_tallies(sums, By.SIDE),
        by_strategy=_tallies(sums, By.STRATEGY),
        by_symbol=_tallies(sums, By.SYMBOL),
        by_hour=_tallies(sums, By.HOUR),
    )


def days_asked(days: int | None) -> int | None:
    """Keep a span within what makes sense: at least a day, at most ten years; None is all of it."""
    return None if days is None else max(1, min(days, LONGEST_DAYS))


def _by_pnl(group: Group) -> Decimal:
    return group.pnl


def _tallies(sums: Sums, by: By) -> tuple[asks.Tally, ...]:
    groups: Iterable[Group] = sums.groups.get(by, ())
    return tuple(
        asks.Tally(
            name=one.name,
            trades=one.trades,
            wins=one.wins,
            losses=one.losses,
            win_rate=_ratio(one.wins, one.wins + one.losses),
            pnl=one.pnl,
            r=round(float(one.r), 4),
        )
        for one in groups
    )


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None
