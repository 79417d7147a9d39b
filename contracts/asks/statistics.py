"""What closed trades come to: of one subscriber, of all that was raised, of the system."""

from decimal import Decimal

import msgspec


class GetStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber's own closed trades come to, of the last `days` of 24 hours of market time (None: all), of one
    symbol or strategy or all. With a `secret` of the person's (any text that always is the same, and that nobody else
    knows) the curve of these trades is drawn, under a name that is made with it.
    """

    subscriber_id: int
    days: int | None = None
    symbol: str | None = None
    strategy: str | None = None
    secret: str | None = None


class GetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the strategies' automatic signals come to: each signal that was taken is one trade, at 0.01 lots, with the
    mean result of its positions. Nobody's lots, choices or number can be told from it. With `has_curve` their curve is
    drawn, one for all readers of a language and time zone.
    """

    subscriber_id: int
    days: int | None = None
    symbol: str | None = None
    strategy: str | None = None
    has_curve: bool = False


class GetSystemStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What all trades of all people come to; code `not_operator` for whoever does not run the bot."""

    subscriber_id: int
    days: int | None = None
    symbol: str | None = None
    strategy: str | None = None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Some trades, counted. Win rate = wins / (wins + losses), None where there is neither."""

    name: str
    trades: int
    wins: int
    losses: int
    win_rate: float | None
    pnl: Decimal
    r: float


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of some closed trades, in the order in which they closed. A trade with P/L 0 is neither win nor loss.

    Money in US dollars, losses and drawdowns as positive amounts, holding times in market seconds. `planned_rr` is
    the mean that the plans promised, `realised_rr` the mean win over the mean loss, in R. Hours are those the trades
    were opened in, in `time_zone`. None: undefined. `chart_key` is the key under which the curve will lie: None where
    none was asked for, there is no trade, or it cannot be drawn now.
    """

    days: int | None
    time_zone: str
    trades: int
    wins: int
    losses: int
    win_rate: float | None
    pnl: Decimal
    r: float
    gross_profit: Decimal
    gross_loss: Decimal
    profit_factor: float | None
    expectancy: float | None
    expectancy_r: float | None
    average_win: float | None
    average_loss: float | None
    best: Decimal | None
    worst: Decimal | None
    max_drawdown: Decimal
    max_drawdown_r: float
    win_streak: int
    loss_streak: int
    hold_s_mean: float | None
    hold_s_median: float | None
    slippage_pips_mean: float | None
    planned_rr: float | None
    realised_rr: float | None
    best_hour: int | None
    worst_hour: int | None
    by_mode: tuple[Tally, ...]
    by_side: tuple[Tally, ...]
    by_strategy: tuple[Tally, ...]
    by_symbol: tuple[Tally, ...]
    by_hour: tuple[Tally, ...]
    chart_key: str | None = None


class SystemStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of the whole system, and how many people and live positions there are now."""

    subscribers: int
    live_positions: int
    statistics: Statistics
