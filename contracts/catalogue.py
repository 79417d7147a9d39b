"""Every topic, stream, consumer, bucket and question of the product: who says it, who hears it, how long it is kept."""

from contracts import asks, messages
from contracts.channels import Ask, Bucket, Consumer, Retention, Stream, Topic

_MEBI = 1024 * 1024
_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S

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
    ("telegram",),
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
POSITION_REDUCED = Topic(
    "position.v1",
    ("=reduced", "subscriber"),
    messages.PositionReduced,
    "POSITIONS",
    ("positions",),
    (),
    "a target closed a part",
    "subscriber",
)
POSITION_STOP_MOVED = Topic(
    "position.v1",
    ("=stop_moved", "subscriber"),
    messages.PositionStopMoved,
    "POSITIONS",
    ("positions",),
    (),
    "a stop was tightened",
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
CURVE = Topic("curve.v1", ("key",), messages.DrawCurve, "CHARTS", ("positions",), ("charts",), "draw one equity curve")
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
    POSITION_REDUCED,
    POSITION_STOP_MOVED,
    POSITION_VOIDED,
    CHART,
    CURVE,
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
    Stream("TICKS", Retention.LIMITS, _DAY_S, 1024 * _MEBI, written_behind=True, readers=("feed", "positions")),
    Stream(
        "CANDLES",
        Retention.LIMITS,
        400 * _DAY_S,
        512 * _MEBI,
        per_subject=5000,
        dedupe_s=600,
        readers=("feed", "signals"),
    ),
    Stream("FEED", Retention.LIMITS, 7 * _DAY_S, 16 * _MEBI, readers=("feed", "signals", "positions", "telegram")),
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
        readers=("telegram",),
    ),
    Stream("DELIVERIES", Retention.LIMITS, 30 * _DAY_S, 2048 * _MEBI, dedupe_s=3600),
    Stream("UPDATES", Retention.WORK_QUEUE, _DAY_S, 256 * _MEBI, dedupe_s=_DAY_S),
    Stream("DEAD", Retention.LIMITS, 30 * _DAY_S, 256 * _MEBI, dedupe_s=600, readers=("telegram",)),
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
"""max_age_s 0 keeps for ever: the public record is built on SIGNALS. UPDATES remembers ids for as long as Telegram may
bring an update again: by webhook, by poll, or by both in turn."""

# --- consumers --------------------------------------------------------------------------------------------------------

SIGNALS_CANDLES = Consumer("signals-candles", "CANDLES", (CANDLE.stored,), "signals", ack_wait_s=5.0, only_new=True)
POSITIONS_SIGNALS = Consumer("positions-signals", "SIGNALS", (SIGNAL.stored,), "positions", ack_wait_s=5.0, in_flight=1)
POSITIONS_DELIVERIES = Consumer("positions-deliveries", "DELIVERIES", (DELIVERY.stored,), "positions", ack_wait_s=5.0)
CHARTS_DRAW = Consumer("charts-draw", "CHARTS", (CHART.stored,), "charts", max_deliver=5, in_flight=8)
CHARTS_CURVES = Consumer("charts-curves", "CHARTS", (CURVE.stored,), "charts", max_deliver=5, in_flight=4)
TELEGRAM_SENDS = Consumer(
    "telegram-sends", "SENDS", (SEND.stored,), "telegram", ack_wait_s=20.0, in_flight=1000, max_deliver=50, pinned=True
)
TELEGRAM_UPDATES = Consumer("telegram-updates", "UPDATES", (UPDATE.stored,), "telegram", in_flight=64)
TELEGRAM_OPENED = Consumer(
    "telegram-opened",
    "POSITIONS",
    (POSITION_OPENED.stored,),
    "telegram",
    ack_wait_s=10.0,
    max_deliver=50,
    only_new=True,
)
COLLECTOR = Consumer("dead-collector", "ADVISORIES", (), "telegram", in_flight=1)

CONSUMERS: tuple[Consumer, ...] = (
    SIGNALS_CANDLES,
    POSITIONS_SIGNALS,
    POSITIONS_DELIVERIES,
    CHARTS_DRAW,
    CHARTS_CURVES,
    TELEGRAM_SENDS,
    TELEGRAM_UPDATES,
    TELEGRAM_OPENED,
    COLLECTOR,
)

CHART_PICTURES = Bucket("CHARTS", _DAY_S, 1024 * _MEBI, writers=("charts", "telegram"), readers=("charts", "telegram"))
EXPORTS = Bucket("EXPORTS", _HOUR_S, 256 * _MEBI, writers=("positions",), readers=("telegram",))
BUCKETS: tuple[Bucket, ...] = (CHART_PICTURES, EXPORTS)

# --- questions --------------------------------------------------------------------------------------------------------

EVALUATE = Ask("signals", "evaluate", asks.EvaluateNow, asks.Evaluation, ("positions",))
SERIES = Ask("signals", "series", asks.GetSeries, asks.Series, ("charts",))
REGISTER = Ask("positions", "register", asks.RegisterSubscriber, asks.Subscriber, ("telegram",))
SUBSCRIBER = Ask("positions", "subscriber", asks.GetSubscriber, asks.Subscriber, ("telegram",))
SET_LANGUAGE = Ask("positions", "set_language", asks.SetLanguage, asks.Subscriber, ("telegram",))
SET_AUTO = Ask("positions", "set_auto", asks.SetAuto, asks.Subscriber, ("telegram",))
DEACTIVATE = Ask("positions", "deactivate", asks.DeactivateSubscriber, asks.Subscriber, ("telegram",))
SETTINGS = Ask("positions", "settings", asks.GetSettings, asks.Settings, ("telegram",))
CHANGE_SETTING = Ask("positions", "change_setting", asks.ChangeSetting, asks.Settings, ("telegram",))
ERASE = Ask("positions", "erase", asks.EraseSubscriber, asks.Erased, ("telegram",), 15.0)
EXPORT = Ask("positions", "export", asks.ExportSubscriber, asks.Exported, ("telegram",), 15.0)
REQUEST_SIGNAL = Ask("positions", "request_signal", asks.RequestSignal, asks.SignalRequested, ("telegram",), 8.0)
STATUS = Ask("positions", "status", asks.GetStatus, asks.Status, ("telegram",))
HISTORY = Ask("positions", "history", asks.GetHistory, asks.History, ("telegram",))
WHY = Ask("positions", "why", asks.GetWhy, asks.Why, ("telegram",))
STATISTICS = Ask("positions", "statistics", asks.GetStatistics, asks.Statistics, ("telegram",), 8.0)
RECORD = Ask("positions", "record", asks.GetRecord, asks.Statistics, ("telegram",), 8.0)
SYSTEM_STATISTICS = Ask(
    "positions", "system_statistics", asks.GetSystemStatistics, asks.SystemStatistics, ("telegram",), 15.0
)
REQUEST_CHART = Ask("positions", "request_chart", asks.RequestChart, asks.ChartRequested, ("telegram",))

ASKS: tuple[Ask[object, object], ...] = (  # type: ignore[assignment]  # request and reply types differ by design
    EVALUATE,
    SERIES,
    REGISTER,
    SUBSCRIBER,
    SET_LANGUAGE,
    SET_AUTO,
    SETTINGS,
    CHANGE_SETTING,
    DEACTIVATE,
    ERASE,
    EXPORT,
    REQUEST_SIGNAL,
    STATUS,
    HISTORY,
    WHY,
    STATISTICS,
    RECORD,
    SYSTEM_STATISTICS,
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
