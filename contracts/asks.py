"""Questions and commands between rooms: request and reply with a deadline.

Each is asked on `ask.v1.<room>.<verb>`; the answer is the reply struct, or an `AskError`. None of them is stored: a
question that nobody answers in time fails at the asker, and the asker says so.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from contracts.messages import ExitReason, FeedState, Interval, Mode, Side, SignalRaised


class AskError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a question was not answered: a code for machines (snake_case) and words for the log."""

    code: str
    message: str


# --- signals ----------------------------------------------------------------------------------------------------------


class EvaluateNow(msgspec.Struct, frozen=True, kw_only=True):
    """Judge the latest closed candles of a symbol now (manual mode)."""

    symbol: str
    strategy: str | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The signal, or the keys that say why there is none."""

    signal: SignalRaised | None
    why: tuple[str, ...] = ()


class GetSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The last `count` candles up to the one that opened at `until_s` (None: the latest), with their indicators."""

    symbol: str
    interval: Interval
    count: int = 120
    until_s: int | None = None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length, oldest first. An undefined indicator value is None."""

    symbol: str
    interval: Interval
    open_time_s: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[int]
    indicators: dict[str, list[float | None]]


# --- positions --------------------------------------------------------------------------------------------------------


class RegisterSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person pressed start: store or welcome back. Refused with code `not_allowed` where registration is closed."""

    subscriber_id: int
    chat_id: int
    name: str
    language: str | None = None


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A subscriber as the other rooms may see one."""

    subscriber_id: int
    chat_id: int
    language: str
    time_zone: str
    auto: bool
    lots: Decimal
    active: bool
    is_operator: bool
    is_new: bool = False


class GetSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """Look a subscriber up; code `not_registered` where there is none."""

    subscriber_id: int


class SetLanguage(msgspec.Struct, frozen=True, kw_only=True):
    """Change the language of a subscriber."""

    subscriber_id: int
    language: str


class SetAuto(msgspec.Struct, frozen=True, kw_only=True):
    """Switch automatic signals on or off."""

    subscriber_id: int
    auto: bool


class GetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Look up what a subscriber chose; code `not_registered` where there is no such person."""

    subscriber_id: int


class ChangeSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Change one setting, named as in `Settings`, to a value as a person writes it; `default` takes the choice back.

    `lots` 0.01 to 1.00; `balance` USD; `risk_percent`; `daily_loss_percent`, 0 is none; `quiet_hours` 22:00-06:00 or
    off; `time_zone`; `targets` single or three; `break_even`, `trailing`, `tightening` on or off; `time_limit_min`, 0
    is none; `notify_signal` on or silent; `notify_exit`, `notify_target`, `notify_stop`, `notify_summary` on, silent or
    off; `dashboard` on or off. Codes `unknown_setting`, `bad_value` (its message says what is taken), `not_registered`.
    """

    subscriber_id: int
    name: str
    value: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber chose. None: not chosen. Without `risk_percent` and `balance` the `lots` are fixed; of the plan
    (`targets` to `time_limit_min`) what was not chosen is the strategy's own. `notify_…` is on, silent or off.
    """

    time_zone: str
    lots: Decimal
    balance: Decimal | None
    risk_percent: Decimal | None
    daily_loss_percent: Decimal
    quiet_hours: str | None
    targets: str | None
    break_even: bool | None
    trailing: bool | None
    tightening: bool | None
    time_limit_min: int | None
    notify_signal: str = "on"
    notify_exit: str = "on"
    notify_target: str = "on"
    notify_stop: str = "on"
    notify_summary: str = "on"
    dashboard: bool = False


class DeactivateSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person blocked the bot at `seen_at` (wall clock): give him nothing until he comes back. One who has come back
    since stays active; code `not_registered` where there is no such person.
    """

    subscriber_id: int
    reason: str
    seen_at: datetime


class EraseSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person wants to be forgotten, and said so when he was asked at `asked_at` (wall clock). Whoever is not known is
    forgotten already; code `registered_since` for one who has come since: he was not asked.
    """

    subscriber_id: int
    asked_at: datetime


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there was somebody to erase. `kept_trades` stay in the system's statistics without him; `ended_live`
    positions were live and are so no more.
    """

    was_known: bool
    kept_trades: int = 0
    ended_live: int = 0


class ExportSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person wants all that is kept of him; code `not_registered`."""

    subscriber_id: int


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The keys under which the files lie in the bucket EXPORTS: all of it as JSON, the trades as CSV too."""

    json_key: str
    csv_key: str
    trades: int


class RequestSignal(msgspec.Struct, frozen=True, kw_only=True):
    """A subscriber asks for a signal now. The position, if any, arrives as a message of its own."""

    subscriber_id: int
    symbol: str


class SignalRequested(msgspec.Struct, frozen=True, kw_only=True):
    """`position_id` of the proposal, or the keys that say why there is none."""

    position_id: str | None
    why: tuple[str, ...] = ()


class GetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber holds now."""

    subscriber_id: int
    symbol: str


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position that is proposed or open, at the latest executable price."""

    position_id: str
    short_id: str
    symbol: str
    side: Side
    mode: Mode
    entry: float
    stop: float
    targets: tuple[float, ...]
    lots: Decimal
    opened_ms: int
    is_open: bool
    price: float | None
    pnl: Decimal | None
    r: float | None
    plan: str = "single"
    stop_reason: ExitReason = ExitReason.STOP
    targets_reached: int = 0
    realised: Decimal = Decimal(0)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The open position, if any, and what is known of the market. Times are market time."""

    position: OpenPosition | None
    auto: bool
    feed: FeedState
    feed_since_ms: int | None
    bid: float | None
    ask: float | None
    market_ms: int | None
    digits: int


class GetHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A page of closed trades, newest first; page 0 is the first."""

    subscriber_id: int
    page: int = 0
    page_size: int = 5


class ClosedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One closed trade of a subscriber."""

    position_id: str
    short_id: str
    symbol: str
    side: Side
    mode: Mode
    entry: float
    exit: float
    reason: ExitReason
    pnl: Decimal
    r: float
    opened_ms: int
    closed_ms: int


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One page, and the totals over all pages. A trade with P/L 0 is neither win nor loss."""

    trades: tuple[ClosedTrade, ...]
    page: int
    pages: int
    total: int
    wins: int
    losses: int
    pnl: Decimal
    digits: int


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


class GetWhy(msgspec.Struct, frozen=True, kw_only=True):
    """Why the last signal was raised, or why the last one was refused."""

    subscriber_id: int
    position_id: str | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """`reasons` of the signal (keys), or `refusals` (keys) of the last signal that was not given."""

    reasons: tuple[str, ...]
    refusals: tuple[str, ...]
    signal_at: datetime | None


class RequestChart(msgspec.Struct, frozen=True, kw_only=True):
    """Have the chart of a position drawn again, as it is now; answers with its key."""

    subscriber_id: int
    symbol: str
    position_id: str | None = None


class ChartRequested(msgspec.Struct, frozen=True, kw_only=True):
    """The key under which the picture will lie."""

    chart_key: str
