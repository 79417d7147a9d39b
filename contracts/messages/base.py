"""The words that messages share, and what every message carries."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Interval(StrEnum):
    """The candle intervals, aligned to UTC."""

    M1 = "M1"
    M5 = "M5"
    M15 = "M15"
    H1 = "H1"

    @property
    def seconds(self) -> int:
        """The length of the interval in seconds."""
        return {"M1": 60, "M5": 300, "M15": 900, "H1": 3600}[self.value]


class Side(StrEnum):
    """The direction of a signal or a position."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, −1 for SELL."""
        return 1 if self is Side.BUY else -1


class Mode(StrEnum):
    """How a signal came about: raised by a strategy on a closed candle, or asked for by a subscriber."""

    AUTO = "auto"
    MANUAL = "manual"


class FeedState(StrEnum):
    """The states of a symbol's feed; only LIVE lets a signal be raised."""

    LIVE = "LIVE"
    STALE = "STALE"
    RECONNECTING = "RECONNECTING"
    BACKFILLING = "BACKFILLING"
    CLOSED = "CLOSED"


class ExitReason(StrEnum):
    """Why a position closed."""

    TARGET = "target"
    STOP = "stop"
    BREAK_EVEN = "break_even"
    TRAILING = "trailing"
    TIME = "time"
    RESET = "reset"


class SendClass(StrEnum):
    """Delivery order of importance, highest first."""

    EXIT = "exit"
    SIGNAL = "signal"
    STOP = "stop"
    REPLY = "reply"
    PICTURE = "picture"
    DASHBOARD = "dashboard"
    BROADCAST = "broadcast"


class DeliveryState(StrEnum):
    """How a send ended. `expired` and `void` were never shown to anybody; `unknown` may have been."""

    DELIVERED = "delivered"
    VOID = "void"
    DEAD = "dead"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What every message carries."""

    id: str
    at: datetime
    trace: str = ""
    v: int = 1
