"""What becomes of a subscriber's trade."""

from decimal import Decimal

from contracts.messages.base import ExitReason, Message, Side


class PositionProposed(Message, frozen=True, kw_only=True):
    """A virtual trade was stored together with the message that tells of it."""

    position_id: str
    subscriber_id: int
    signal_id: str
    symbol: str
    side: Side
    entry: float
    stop: float
    targets: tuple[float, ...]
    lots: Decimal
    quote_ms: int
    plan: str = "single"


class PositionOpened(Message, frozen=True, kw_only=True):
    """The signal reached its subscriber: the trade counts. `dashboard`: he wants to watch his trades live."""

    position_id: str
    subscriber_id: int
    symbol: str
    dashboard: bool = False


class PositionClosed(Message, frozen=True, kw_only=True):
    """A level was crossed.

    `level` is the price that was asked for, `exit` the executable one, `slippage_pips` the distance between them, all
    of the last part; `pnl` and `r` count all parts.
    """

    position_id: str
    subscriber_id: int
    signal_id: str
    symbol: str
    side: Side
    reason: ExitReason
    entry: float
    level: float
    exit: float
    slippage_pips: float
    lots: Decimal
    pnl: Decimal
    r: float
    opened_ms: int
    closed_ms: int
    detected_late: bool = False


class PositionReduced(Message, frozen=True, kw_only=True):
    """A target that is not the last was reached: `share` of the position was closed there.

    `number` counts the targets from 1. `pnl` is what this part earned, `r` in R of the whole.
    """

    position_id: str
    subscriber_id: int
    symbol: str
    number: int
    share: Decimal
    level: float
    exit: float
    slippage_pips: float
    pnl: Decimal
    r: float
    closed_ms: int
    detected_late: bool = False


class PositionStopMoved(Message, frozen=True, kw_only=True):
    """The stop was tightened. Many moves in a row are told as one, the last."""

    position_id: str
    subscriber_id: int
    symbol: str
    stop: float
    reason: ExitReason
    moved_ms: int


class PositionVoided(Message, frozen=True, kw_only=True):
    """The signal never reached its subscriber: no trade, no statistics, free for the next one."""

    position_id: str
    subscriber_id: int
    symbol: str
    reason: str
