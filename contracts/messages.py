"""Every message that travels between rooms, as frozen structs.

Facts are named in the past tense, requests in the imperative. Each carries `id` (a pure function of the fact, so a
replay yields the same id), `at` (wall clock, aware UTC), `trace` (W3C traceparent) and `v` (the major of its topic).
Market time is a field of its own (`epoch_ms`, `open_time_s`, `quote_ms`: UTC): it decides about trading, `at` about
delivery. Prices are float in quote currency, money is Decimal, volumes count ticks.
"""

from datetime import datetime
from decimal import Decimal
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


# --- feed -------------------------------------------------------------------------------------------------------------


class Tick(Message, frozen=True, kw_only=True):
    """One quote of a venue. `epoch_ms` is the venue's time, `received_ms` ours."""

    symbol: str
    epoch_ms: int
    bid: float
    ask: float
    received_ms: int = 0
    backfilled: bool = False

    @property
    def mid(self) -> float:
        """The price that candles are made of."""
        return (self.bid + self.ask) / 2


class CandleClosed(Message, frozen=True, kw_only=True):
    """A closed candle of the mid. `volume` counts ticks; `bid` and `ask` are its last quote, None in venue history."""

    symbol: str
    interval: Interval
    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    bid: float | None = None
    ask: float | None = None
    quote_ms: int | None = None
    backfilled: bool = False


class CandleForming(Message, frozen=True, kw_only=True):
    """A candle that is not closed yet, as it stood at the quote of `quote_ms`. To look at, not to decide on."""

    symbol: str
    interval: Interval
    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    quote_ms: int


class CandleCorrected(Message, frozen=True, kw_only=True):
    """The venue's history differs from a candle that was told, and wins: the candle as it should have been.

    `was` is what had been told (open, high, low, close); None where no candle had been told. `volume` stays ours.
    """

    symbol: str
    interval: Interval
    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    was: tuple[float, float, float, float] | None = None


class FeedStateChanged(Message, frozen=True, kw_only=True):
    """The feed of one symbol entered a state. `since_ms` is market time.

    LIVE is a promise: a quote, or another state, follows within 10 s of silence in an open market (at market speed 1).
    Who hears neither for 15 s of wall time while LIVE was the last word must take the feed for dead: a killed process
    says nothing.
    """

    symbol: str
    venue: str
    state: FeedState
    reason: str
    since_ms: int


class GapRecorded(Message, frozen=True, kw_only=True):
    """A hole that the venue could not fill: [from_ms, to_ms) has no prices, and none were invented."""

    symbol: str
    from_ms: int
    to_ms: int
    reason: str


# --- signals ----------------------------------------------------------------------------------------------------------


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


# --- positions --------------------------------------------------------------------------------------------------------


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


class PositionOpened(Message, frozen=True, kw_only=True):
    """The signal reached its subscriber: the trade counts."""

    position_id: str
    subscriber_id: int
    symbol: str


class PositionClosed(Message, frozen=True, kw_only=True):
    """A level was crossed.

    `level` is the price that was asked for, `exit` the executable one, `slippage_pips` the distance between them.
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


class PositionVoided(Message, frozen=True, kw_only=True):
    """The signal never reached its subscriber: no trade, no statistics, free for the next one."""

    position_id: str
    subscriber_id: int
    symbol: str
    reason: str


# --- charts -----------------------------------------------------------------------------------------------------------


class ChartLevels(msgspec.Struct, frozen=True, kw_only=True):
    """What a chart draws beside the candles."""

    side: Side
    entry: float
    stop: float
    targets: tuple[float, ...]
    mode: Mode
    rr: float
    strength: float
    score: int | None = None


class DrawChart(Message, frozen=True, kw_only=True):
    """Draw the chart `key`, up to and including the candle that opened at `until_s`, for people of one language."""

    key: str
    symbol: str
    interval: Interval
    until_s: int
    language: str
    time_zone: str
    levels: ChartLevels | None = None
    expires_at: datetime | None = None


class ChartDrawn(Message, frozen=True, kw_only=True):
    """The picture `key` lies in the object store. Core message: a hint, the store is the truth."""

    key: str
    size_bytes: int


# --- telegram ---------------------------------------------------------------------------------------------------------


class SignalNotice(msgspec.Struct, frozen=True, kw_only=True, tag="signal"):
    """Tell of a new position."""

    position_id: str
    short_id: str
    symbol: str
    interval: Interval
    mode: Mode
    side: Side
    entry: float
    stop: float
    targets: tuple[float, ...]
    rr: float
    strength: float
    lots: Decimal
    risk: Decimal
    pip: float
    digits: int
    reasons: tuple[str, ...]
    market_ms: int


class OutcomeNotice(msgspec.Struct, frozen=True, kw_only=True, tag="outcome"):
    """Tell how a position ended."""

    position_id: str
    short_id: str
    symbol: str
    side: Side
    reason: ExitReason
    entry: float
    exit: float
    slippage_pips: float
    digits: int
    pnl: Decimal
    r: float
    opened_ms: int
    closed_ms: int
    day_pnl: Decimal
    day_trades: int
    detected_late: bool = False


class FeedNotice(msgspec.Struct, frozen=True, kw_only=True, tag="feed"):
    """Tell an operator that the feed of a symbol changed."""

    symbol: str
    state: FeedState
    reason: str
    since_ms: int


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """One inline button; `data` is at most 64 bytes."""

    text: str
    data: str


class TextNotice(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Say words that the telegram room has rendered already (HTML). `edit_message_id` edits instead of sending."""

    html: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    edit_message_id: int | None = None


class PictureNotice(msgspec.Struct, frozen=True, kw_only=True, tag="picture"):
    """Join the picture `chart_key` to the message that the send `join_send_id` became."""

    join_send_id: str
    chart_key: str


Content = SignalNotice | OutcomeNotice | FeedNotice | TextNotice | PictureNotice


class SendMessage(Message, frozen=True, kw_only=True):
    """Send `content` to a chat. `id` is the send's identity for ever; a repeat carries the same one.

    `reply_to` names an earlier send whose message this one answers. `expires_at` (wall clock) is looked at just before
    the call. `coalesce` is a key: a newer waiting send with the same key replaces an older one.
    """

    chat_id: int
    subscriber_id: int
    kind: SendClass
    content: Content
    language: str
    time_zone: str
    expires_at: datetime | None = None
    reply_to: str | None = None
    chart_key: str | None = None
    position_id: str | None = None
    silent: bool = False
    coalesce: str | None = None


class DeliverySettled(Message, frozen=True, kw_only=True):
    """A send ended. `first_sent_at` is when the API confirmed it; `deactivate` says the person cannot be reached."""

    send_id: str
    chat_id: int
    subscriber_id: int
    kind: SendClass
    state: DeliveryState
    reason: str
    attempts: int
    position_id: str | None = None
    message_id: int | None = None
    deactivate: bool = False


class UpdateReceived(Message, frozen=True, kw_only=True):
    """A raw Telegram update, stored before it is confirmed. `key` orders it: the chat, or the person."""

    update_id: int
    key: int
    raw: msgspec.Raw


# --- dead letters -----------------------------------------------------------------------------------------------------


class DeadLetter(Message, frozen=True, kw_only=True):
    """A message that can never be handled, kept whole for a person to look at."""

    topic: str
    subject: str
    stream: str
    sequence: int
    consumer: str
    reason: str
    attempts: int
    first_at: datetime
    headers: dict[str, str]
    payload: bytes


# --- core, loss allowed -----------------------------------------------------------------------------------------------


class Quote(Message, frozen=True, kw_only=True):
    """The latest price of a symbol, for people who look."""

    symbol: str
    epoch_ms: int
    bid: float
    ask: float
    state: FeedState
