"""What the signals room says."""

from decimal import Decimal

from contracts.messages.base import Interval, Message, Mode, Side


class SignalRaised(Message, frozen=True, kw_only=True):
    """The opinion of one strategy on one closed candle.

    `entry` is the candle's close (mid); `bid`, `ask` and `quote_ms` are the quote it closed with, at which positions
    open. `targets` are prices, nearest first. `reasons` are message keys. `score` is None in manual mode.
    """

    symbol: str
    interval: Interval
    strategy: str
    strategy_version: str
    mode: Mode
    side: Side
    entry: float
    stop: float
    targets: tuple[float, ...]
    rr: float
    strength: float
    score: int | None
    reasons: tuple[str, ...]
    lots: Decimal
    candle_open_s: int
    bid: float
    ask: float
    quote_ms: int
    valid_for_s: int = 60
