"""What somebody holds, held, and why; and a signal or a picture of it, now."""

from datetime import datetime
from decimal import Decimal

import msgspec

from contracts.messages import ExitReason, FeedState, Mode, Side


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
