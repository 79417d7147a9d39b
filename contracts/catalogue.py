"""Every topic, stream, consumer, bucket and question of the product: who says it, who hears it, how long it is kept.

Subjects follow `<noun>.v<major>.<wide>.<narrow>`. A partitioned stream rewrites the published subject on arrival and
puts a partition token (FNV-1a-32 of the order key, mod 16) behind the major; publishers do not know it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from contracts import asks, messages

P = TypeVar("P", bound=messages.Message)
Q = TypeVar("Q")
A = TypeVar("A")

PARTITIONS = 16
"""Virtual partitions of an ordered stream, fixed for life: another count means another stream."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_MEBI = 1024 * 1024
_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S


class Retention(StrEnum):
    """How a stream lets go of a message: by its limits, or when its one consumer is done with it."""

    LIMITS = "limits"
    WORK_QUEUE = "workqueue"


class BadTokenError(ValueError):
    """A subject token may hold letters, digits, `_` and `-` only."""


def _checked(token: object) -> str:
    text = str(token)
    if not _TOKEN.fullmatch(text):
        raise BadTokenError(f"{text!r} cannot be a subject token: letters, digits, _ and - only")
    return text


@dataclass(frozen=True, slots=True)
class Topic(Generic[P]):
    """One kind of message.

    `noun` with its major starts the subject, `tokens` name what follows in the published form; a token that starts
    with `=` is fixed (`=opened`). `partition_by` is the token that orders it; None where the stream is not
    partitioned. `stream` None means core NATS, loss allowed.
    """

    noun: str
    tokens: tuple[str, ...]
    payload: type[P]
    stream: str | None
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    meaning: str
    partition_by: str | None = None

    @property
    def name(self) -> str:
        """The topic in one word per token, without its major: `position.opened`, `tick`."""
        return ".".join((self.noun.split(".")[0], *(token[1:] for token in self.tokens if token.startswith("="))))

    def subject(self, *values: object) -> str:
        """Build the published subject from one value per free token.

        Raises:
            BadTokenError: a value is no token.
            ValueError: too few or too many values.
        """
        free = iter([_checked(value) for value in values])
        if len(values) != sum(not token.startswith("=") for token in self.tokens):
            raise ValueError(f"{self.name} takes {self.tokens}, got {values}")
        return ".".join((self.noun, *(t[1:] if t.startswith("=") else next(free) for t in self.tokens)))

    def _wild(self) -> tuple[str, ...]:
        return tuple(token[1:] if token.startswith("=") else "*" for token in self.tokens)

    @property
    def published(self) -> str:
        """The wildcard of all published subjects."""
        return ".".join((self.noun, *self._wild()))

    @property
    def stored(self) -> str:
        """The wildcard of all subjects as the stream keeps them: what a consumer filters by."""
        return ".".join((self.noun, "*", *self._wild())) if self.partition_by else self.published

    @property
    def transform(self) -> tuple[str, str] | None:
        """Source and destination of the stream's subject transform, or None. Equal for all topics of one noun."""
        if self.partition_by is None:
            return None
        place = self.tokens.index(self.partition_by) + 1
        wild = [f"{{{{wildcard({n})}}}}" for n in range(1, len(self.tokens) + 1)]
        source = ".".join((self.noun, *("*" for _ in self.tokens)))
        return source, ".".join((self.noun, f"{{{{partition({PARTITIONS},{place})}}}}", *wild))


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream and its limits.

    `per_subject` keeps the last n of each subject; `coalesce` refuses a subject's second message while one is there; a
    `written_behind` stream may lose its tail when the broker is killed, and is fast for it.
    """

    name: str
    retention: Retention
    max_age_s: int
    max_bytes: int
    per_subject: int = -1
    written_behind: bool = False
    coalesce: bool = False
    dedupe_s: int = 120
    schedules: bool = False
    atomic: bool = False
    extra_subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of one stream, owned by one room.

    `pinned` gives it one active owner at a time (fail-over after three seconds); `in_flight` bounds what is delivered
    and not settled; 1 keeps strict order.
    """

    name: str
    stream: str
    filters: tuple[str, ...]
    room: str
    ack_wait_s: float = 30.0
    max_deliver: int = 10
    in_flight: int = 256
    pinned: bool = False
    only_new: bool = False
    last_per_subject: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """An object store with an age limit: nothing in it needs to be deleted by hand."""

    name: str
    max_age_s: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Ask(Generic[Q, A]):
    """A question: request and reply on core NATS, answered by one copy of the room."""

    room: str
    verb: str
    request: type[Q]
    reply: type[A]
    askers: tuple[str, ...]
    deadline_s: float = 3.0

    @property
    def subject(self) -> str:
        """Where it is asked."""
        return f"ask.v1.{self.room}.{self.verb}"


# --- topics -----------------------------------------------------------------------------------------------------------

TICK = Topic("tick.v1", ("symbol",), messages.Tick, "TICKS", ("feed",), ("positions",), "one quote, in order")
CANDLE = Topic(
    "candle.v1", ("symbol", "interval"), messages.CandleClosed, "CANDLES", ("feed",), ("signals",), "one closed candle"
)
CORRECTION = Topic(
    "correction.v1",
    ("symbol", "interval"),
    messages.CandleCorrected,
    "CANDLES",
    ("feed",),
    (),
    "a candle as the venue says it was",
)
FEED = Topic(
    "feed.v1",
    ("symbol",),
    messages.FeedStateChanged,
    "FEED",
    ("feed",),
    ("signals", "positions", "telegram"),
    "the feed of a symbol entered a state",
)
GAP = Topic("gap.v1", ("symbol",), messages.GapRecorded, "FEED", ("feed",), (), "a hole the venue could not fill")
SIGNAL = Topic(
    "signal.v1", ("symbol", "strategy"), messages.SignalRaised, "SIGNALS", ("signals",), ("positions",), "an opinion"
)
POSITION_PROPOSED = Topic(
    "position.v1",
    ("=proposed", "subscriber"),
    messages.PositionProposed,
    "POSITIONS",
    ("positions",),
    (),
    "a trade is on its way to its subscriber",
    "subscriber",
)
POSITION_OPENED = Topic(
    "position.v1",
    ("=opened", "subscriber"),
    messages.PositionOpened,
    "POSITIONS",
    ("positions",),
    (),
    "the signal arrived",
    "subscriber",
)
POSITION_CLOSED = Topic(
    "position.v1",
    ("=closed", "subscriber"),
    messages.PositionClosed,
    "POSITIONS",
    ("positions",),
    (),
    "a level was crossed",
    "subscriber",
)
POSITION_VOIDED = Topic(
    "position.v1",
    ("=voided", "subscriber"),
    messages.PositionVoided,
    "POSITIONS",
    ("positions",),
    (),
    "the signal never arrived",
    "subscriber",
)
CHART = Topic(
    "chart.v1", ("key",), messages.DrawChart, "CHARTS", ("positions", "telegram"), ("charts",), "draw one picture"
)
SEND = Topic(
    "send.v1",
    ("kind", "chat"),
    messages.SendMessage,
    "SENDS",
    ("positions", "telegram"),
    ("telegram",),
    "tell one chat one thing",
    "chat",
)
DELIVERY = Topic(
    "delivery.v1",
    ("state", "chat"),
    messages.DeliverySettled,
    "DELIVERIES",
    ("telegram",),
    ("positions",),
    "a send ended",
    "chat",
)
UPDATE = Topic(
    "update.v1",
    ("key",),
    messages.UpdateReceived,
    "UPDATES",
    ("telegram",),
    ("telegram",),
    "something a person did, as Telegram tells it",
    "key",
)
DEAD = Topic(
    "dead.v1",
    ("topic",),
    messages.DeadLetter,
    "DEAD",
    ("feed", "signals", "positions", "charts", "telegram"),
    (),
    "a message that can never be handled",
)
QUOTE = Topic(
    "quote.v1",
    ("symbol",),
    messages.Quote,
    None,
    ("feed",),
    ("positions", "telegram"),
    "the latest price, loss allowed",
)
FORMING = Topic(
    "forming.v1",
    ("symbol", "interval"),
    messages.CandleForming,
    None,
    ("feed",),
    (),
    "the candle of now, at most four times a second, loss allowed",
)
DRAWN = Topic("drawn.v1", ("key",), messages.ChartDrawn, None, ("charts",), ("telegram",), "a picture is in the store")

TOPICS: tuple[Topic[messages.Message], ...] = (  # type: ignore[assignment]  # payload types differ by design
    TICK,
    CANDLE,
    CORRECTION,
    FEED,
    GAP,
    SIGNAL,
    POSITION_PROPOSED,
    POSITION_OPENED,
    POSITION_CLOSED,
    POSITION_VOIDED,
    CHART,
    SEND,
    DELIVERY,
    UPDATE,
    DEAD,
    QUOTE,
    FORMING,
    DRAWN,
)

# --- streams ----------------------------------------------------------------------------------------------------------

STREAMS: tuple[Stream, ...] = (
    Stream("TICKS", Retention.LIMITS, _DAY_S, 1024 * _MEBI, written_behind=True),
    Stream("CANDLES", Retention.LIMITS, 400 * _DAY_S, 512 * _MEBI, per_subject=5000, dedupe_s=600),
    Stream("FEED", Retention.LIMITS, 7 * _DAY_S, 16 * _MEBI),
    Stream("SIGNALS", Retention.LIMITS, 0, 4096 * _MEBI, dedupe_s=3600),
    Stream("POSITIONS", Retention.LIMITS, 30 * _DAY_S, 2048 * _MEBI, dedupe_s=3600, atomic=True),
    Stream("CHARTS", Retention.WORK_QUEUE, 10 * 60, 64 * _MEBI, per_subject=1, coalesce=True),
    Stream(
        "SENDS",
        Retention.WORK_QUEUE,
        2 * _DAY_S,
        1024 * _MEBI,
        dedupe_s=3600,
        schedules=True,
        atomic=True,
        extra_subjects=("later.v1.send.*",),
    ),
    Stream("DELIVERIES", Retention.LIMITS, 30 * _DAY_S, 2048 * _MEBI, dedupe_s=3600),
    Stream("UPDATES", Retention.WORK_QUEUE, _DAY_S, 256 * _MEBI, dedupe_s=3600),
    Stream("DEAD", Retention.LIMITS, 30 * _DAY_S, 256 * _MEBI, dedupe_s=600),
    Stream(
        "ADVISORIES",
        Retention.LIMITS,
        7 * _DAY_S,
        16 * _MEBI,
        extra_subjects=(
            "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
            "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>",
        ),
    ),
)
"""max_age_s 0 keeps for ever: the public record is built on SIGNALS."""

# --- consumers --------------------------------------------------------------------------------------------------------

SIGNALS_CANDLES = Consumer("signals-candles", "CANDLES", (CANDLE.stored,), "signals", ack_wait_s=5.0, only_new=True)
POSITIONS_SIGNALS = Consumer("positions-signals", "SIGNALS", (SIGNAL.stored,), "positions", ack_wait_s=5.0, in_flight=1)
POSITIONS_DELIVERIES = Consumer("positions-deliveries", "DELIVERIES", (DELIVERY.stored,), "positions")
CHARTS_DRAW = Consumer("charts-draw", "CHARTS", (CHART.stored,), "charts", max_deliver=5, in_flight=8)
TELEGRAM_SENDS = Consumer(
    "telegram-sends", "SENDS", (SEND.stored,), "telegram", ack_wait_s=20.0, in_flight=1000, max_deliver=50, pinned=True
)
TELEGRAM_UPDATES = Consumer("telegram-updates", "UPDATES", (UPDATE.stored,), "telegram", in_flight=64)
COLLECTOR = Consumer("dead-collector", "ADVISORIES", (), "telegram", in_flight=1)

CONSUMERS: tuple[Consumer, ...] = (
    SIGNALS_CANDLES,
    POSITIONS_SIGNALS,
    POSITIONS_DELIVERIES,
    CHARTS_DRAW,
    TELEGRAM_SENDS,
    TELEGRAM_UPDATES,
    COLLECTOR,
)

CHART_PICTURES = Bucket("CHARTS", _DAY_S, 1024 * _MEBI)
BUCKETS: tuple[Bucket, ...] = (CHART_PICTURES,)

# --- questions --------------------------------------------------------------------------------------------------------

EVALUATE = Ask("signals", "evaluate", asks.EvaluateNow, asks.Evaluation, ("positions",))
SERIES = Ask("signals", "series", asks.GetSeries, asks.Series, ("charts",))
REGISTER = Ask("positions", "register", asks.RegisterSubscriber, asks.Subscriber, ("telegram",))
SUBSCRIBER = Ask("positions", "subscriber", asks.GetSubscriber, asks.Subscriber, ("telegram",))
SET_LANGUAGE = Ask("positions", "set_language", asks.SetLanguage, asks.Subscriber, ("telegram",))
SET_AUTO = Ask("positions", "set_auto", asks.SetAuto, asks.Subscriber, ("telegram",))
DEACTIVATE = Ask("positions", "deactivate", asks.DeactivateSubscriber, asks.Subscriber, ("telegram",))
REQUEST_SIGNAL = Ask("positions", "request_signal", asks.RequestSignal, asks.SignalRequested, ("telegram",), 8.0)
STATUS = Ask("positions", "status", asks.GetStatus, asks.Status, ("telegram",))
HISTORY = Ask("positions", "history", asks.GetHistory, asks.History, ("telegram",))
WHY = Ask("positions", "why", asks.GetWhy, asks.Why, ("telegram",))
REQUEST_CHART = Ask("positions", "request_chart", asks.RequestChart, asks.ChartRequested, ("telegram",))

ASKS: tuple[Ask[object, object], ...] = (  # type: ignore[assignment]  # request and reply types differ by design
    EVALUATE,
    SERIES,
    REGISTER,
    SUBSCRIBER,
    SET_LANGUAGE,
    SET_AUTO,
    DEACTIVATE,
    REQUEST_SIGNAL,
    STATUS,
    HISTORY,
    WHY,
    REQUEST_CHART,
)


def stream_transform(stream: Stream) -> tuple[str, str] | None:
    """Tell the one subject transform of a stream, or None."""
    found = {topic.transform for topic in TOPICS if topic.stream == stream.name and topic.transform}
    return found.pop() if found else None


def stream_subjects(stream: Stream) -> tuple[str, ...]:
    """List the published subjects that a stream captures."""
    transform = stream_transform(stream)
    own = (transform[0],) if transform else tuple(topic.published for topic in TOPICS if topic.stream == stream.name)
    return own + stream.extra_subjects
