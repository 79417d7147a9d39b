"""What is told to people, how it ended, and what they did."""

from datetime import datetime
from decimal import Decimal

import msgspec

from contracts.messages.base import DeliveryState, ExitReason, FeedState, Interval, Message, Mode, SendClass, Side


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


class ReducedNotice(msgspec.Struct, frozen=True, kw_only=True, tag="reduced"):
    """Tell that a target closed a part of a position: target `number` of `targets`. `stop` is that of the rest now."""

    position_id: str
    short_id: str
    symbol: str
    side: Side
    number: int
    targets: int
    share: Decimal
    entry: float
    exit: float
    stop: float
    slippage_pips: float
    digits: int
    pnl: Decimal
    r: float
    market_ms: int
    detected_late: bool = False


class StopNotice(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Tell that the stop of a position was tightened; `pnl` and `r` are what it comes to if that stop is hit."""

    position_id: str
    short_id: str
    symbol: str
    side: Side
    reason: ExitReason
    entry: float
    stop: float
    digits: int
    pnl: Decimal
    r: float
    market_ms: int


class PauseNotice(msgspec.Struct, frozen=True, kw_only=True, tag="pause"):
    """Tell an operator that signals of a symbol pause after slippage, or go on again: the spread is normal."""

    symbol: str
    is_paused: bool
    slippage_pips: float
    since_ms: int


class SummaryNotice(msgspec.Struct, frozen=True, kw_only=True, tag="summary"):
    """Tell what a person's trades came to that closed in (since_ms, until_ms] (wall clock): `day` is the one that ended
    (YYYY-MM-DD, his own), and the span is longer than it where summaries could not be told.
    """

    day: str
    since_ms: int
    until_ms: int
    trades: int
    wins: int
    losses: int
    pnl: Decimal
    r: float
    best: Decimal | None
    worst: Decimal | None


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


class DocumentNotice(msgspec.Struct, frozen=True, kw_only=True, tag="document"):
    """Send the file that lies in the bucket EXPORTS under `key`, by a name of its own, with words already rendered."""

    key: str
    filename: str
    html: str = ""


Content = (
    SignalNotice
    | OutcomeNotice
    | ReducedNotice
    | StopNotice
    | PauseNotice
    | SummaryNotice
    | FeedNotice
    | TextNotice
    | PictureNotice
    | DocumentNotice
)


class SendMessage(Message, frozen=True, kw_only=True):
    """Send `content` to a chat. `id` is the send's identity for ever; a repeat carries the same one.

    `reply_to` names an earlier send whose message this one answers. `expires_at` (wall clock) is looked at just before
    the call. `coalesce` is a key: a newer waiting send with the same key replaces an older one. `thread_id` is a topic
    of a group. `silent` makes no sound, `protect` cannot be forwarded or saved.
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
    protect: bool = False
    thread_id: int | None = None
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
