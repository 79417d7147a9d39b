"""The closed set of metrics: each with its unit, its meaning, and what to do when it rises.

Nothing else in the product makes a metric; a new one is an edit here, so that dashboards and alerts know them all.
"""

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

# consume loop: rising retries or deaths mean a dependency or a producer is broken; read the log of the topic
HANDLED = Counter("sinyal_handled_total", "Messages handled and acknowledged.", ["consumer", "topic"])
RETRIED = Counter("sinyal_retried_total", "Messages put off by a TransientError.", ["consumer", "topic"])
DEAD = Counter("sinyal_dead_total", "Messages moved to the dead letters.", ["consumer", "topic"])
BUGS = Counter(
    "sinyal_bug_total", "Messages whose handler failed unexpectedly: code must change.", ["consumer", "topic"]
)
HANDLE_SECONDS = Histogram("sinyal_handle_seconds", "Handling of one message.", ["consumer"], buckets=SECONDS)
MALFORMED = Counter("sinyal_malformed_total", "Messages that could not be decoded.", ["topic"])

# broker: errors reported out of band; a permission error means the NATS users and the catalogue disagree
BUS_ERRORS = Counter("sinyal_bus_errors_total", "Errors the broker reported asynchronously.", ["kind"])
BUS_RECONNECTS = Counter("sinyal_bus_reconnects_total", "Reconnects to the broker.")
BUS_CONNECTED = Gauge("sinyal_bus_connected", "1 while connected to the broker.")
OUTBOX_PENDING = Gauge(
    "sinyal_outbox_pending", "Rows of the outbox not yet published. Rising: broker away or relay dead."
)
OUTBOX_PUBLISHED = Counter("sinyal_outbox_published_total", "Rows of the outbox published.")

LOOP_LAG = Histogram(
    "sinyal_loop_lag_seconds",
    "How late the event loop is. Beyond 0.1: something holds it, or the machine has too little CPU.",
    buckets=SECONDS,
)

# feed
TICKS = Counter("sinyal_ticks_total", "Ticks published.", ["symbol"])
BAD_INPUT = Counter(
    "sinyal_bad_input_total", "Venue input dropped, by reason. Rising: the venue changed, or lies.", ["reason"]
)
CANDLES = Counter("sinyal_candles_total", "Closed candles published.", ["symbol", "interval"])
FEED_STATE = Gauge("sinyal_feed_state", "1 for the state the feed is in, 0 for the others.", ["symbol", "state"])
TICK_AGE = Histogram(
    "sinyal_tick_age_seconds", "Venue time to receive time, market seconds.", ["symbol"], buckets=SECONDS
)
VENUE_ROUND_TRIP = Histogram("sinyal_venue_round_trip_seconds", "JSON ping of the venue.", ["venue"], buckets=SECONDS)
VENUE_CLOCK_OFFSET = Gauge(
    "sinyal_venue_clock_offset_seconds",
    "The venue's clock against what we took it for, when it was last asked, market seconds. Beyond 2: a clock jumped.",
    ["venue"],
)
VENUE_CONNECTS = Counter("sinyal_venue_connects_total", "Connection attempts, by outcome.", ["venue", "outcome"])
GAPS = Counter("sinyal_gaps_total", "Holes the venue could not fill.", ["symbol"])
CORRECTIONS = Counter(
    "sinyal_candle_corrections_total",
    "Told candles that the venue's history contradicts. Rising: ticks are lost on the way; compare with its chart.",
    ["symbol", "interval"],
)
FEED_BACKLOG = Gauge(
    "sinyal_feed_backlog", "Messages of the feed that wait for the broker. Rising: it is away or too slow."
)
SHOWN_OVERWRITTEN = Counter(
    "sinyal_feed_overwritten_total", "Prices for people who look, replaced by newer ones before they left.", ["topic"]
)
BREAKER_OPEN = Gauge(
    "sinyal_breaker_open",
    "1 while a circuit breaker leaves somebody alone: a venue that was not there, a database that does not answer.",
    ["name"],
)
LAST_TICK = Gauge("sinyal_last_tick_timestamp_seconds", "Wall time of the last tick.", ["symbol"])

# signals
EVALUATIONS = Counter("sinyal_evaluations_total", "Strategy evaluations.", ["strategy", "mode"])
INDICATOR_UPDATES = Counter(
    "sinyal_indicator_updates_total", "Candles fed into indicator state: once per candle.", ["symbol", "interval"]
)
SIGNALS = Counter("sinyal_signals_total", "Signals raised.", ["symbol", "strategy", "mode", "side"])
STRATEGY_FAILING = Gauge(
    "sinyal_strategy_failing",
    "1 while a strategy raises an error and says nothing. Read strategy.failed in the log.",
    ["symbol", "strategy"],
)
BROKEN_STRATEGIES = Gauge(
    "sinyal_broken_strategies", "Files of the strategies' folder that cannot run. Above 0: /readyz names file and line."
)
TICK_TO_SIGNAL = Histogram("sinyal_tick_to_signal_seconds", "Candle published to signal published.", buckets=SECONDS)
CANDLES_HELD = Gauge("sinyal_candles_held", "Candles in memory.", ["symbol", "interval"])

# positions
POSITIONS = Counter("sinyal_positions_total", "Positions by event.", ["event"])
OPEN_POSITIONS = Gauge("sinyal_open_positions", "Positions proposed or open now.", ["symbol"])
REFUSALS = Counter("sinyal_refusals_total", "Signals not given to a subscriber, by gate.", ["reason"])
TICK_TO_EXIT = Histogram("sinyal_tick_to_exit_seconds", "Tick received by the feed to exit stored.", buckets=SECONDS)
SLIPPAGE = Histogram(
    "sinyal_slippage_pips", "Exit price beyond its level.", buckets=(0.1, 0.5, 1, 2, 5, 10, 20, 50, 100)
)
FAN_OUT_SECONDS = Histogram(
    "sinyal_fan_out_seconds", "One signal to all its positions, one transaction.", buckets=SECONDS
)
JOBS = Counter(
    "sinyal_jobs_total",
    "Scheduled work by name and outcome: done, failed (tried again), lost (another copy took it over: this one was "
    "frozen, or away from the database for longer than a lease). Rising failures: `job.last_error` says why.",
    ["job", "outcome"],
)
SUBSCRIBERS = Gauge("sinyal_subscribers", "Active subscribers.")

# charts
CHARTS = Counter("sinyal_charts_total", "Charts by outcome.", ["outcome"])
RENDER_SECONDS = Histogram("sinyal_render_seconds", "One picture.", ["path"], buckets=SECONDS)
BROWSER_RESTARTS = Counter("sinyal_browser_restarts_total", "Browser recycled or recovered, by reason.", ["reason"])

# telegram
SENDS = Counter("sinyal_sends_total", "Sends by class and how they ended.", ["kind", "state"])
API_CALLS = Counter("sinyal_api_calls_total", "Calls of the Bot API by method and outcome.", ["method", "outcome"])
API_SECONDS = Histogram("sinyal_api_seconds", "One call of the Bot API.", ["method"], buckets=SECONDS)
SIGNAL_TO_SENT = Histogram("sinyal_signal_to_sent_seconds", "Signal raised to text confirmed.", buckets=SECONDS)
EXIT_TO_SENT = Histogram("sinyal_exit_to_sent_seconds", "Exit stored to text confirmed.", buckets=SECONDS)
SEND_QUEUE = Gauge("sinyal_send_queue", "Sends held by the dispatcher.", ["kind"])
SENDS_AHEAD = Counter(
    "sinyal_sends_ahead_total",
    "Sends taken from behind a full window, by class. Rising: more is queued than the limits let out; nothing is lost.",
    ["kind"],
)
PAID_STARS = Counter(
    "sinyal_paid_stars_total", "Telegram Stars spent on the paid pace, at most. Rising: as you decided."
)
FLOOD_WAITS = Counter("sinyal_flood_waits_total", "429 answers. Rising: the limits are set too high.", ["scope"])
UPDATES = Counter("sinyal_updates_total", "Updates handled, by kind.", ["kind"])
DASHBOARDS = Gauge("sinyal_dashboards", "Live dashboards. Those of ended trades that stay: positions does not answer.")
WEBHOOK_PUSHES = Counter(
    "sinyal_webhook_pushes_total",
    "Calls of the webhook by outcome. forged: somebody tries the door; unstored: the broker is away, Telegram repeats.",
    ["outcome"],
)
WEBHOOK_FALLBACKS = Counter(
    "sinyal_webhook_fallbacks_total",
    "Changes from webhook to polling. Rising: look at its address, its certificate and the proxy before it.",
    ["reason"],
)
RECEIVER_MODE = Gauge("sinyal_receiver_mode", "1 for the way updates arrive now.", ["mode"])


def exposition() -> bytes:
    """Write all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


def exported() -> set[str]:
    """Name all metrics as Prometheus sees them."""
    types = [line.split() for line in exposition().decode().splitlines() if line.startswith("# TYPE ")]
    return {name for _, _, name, _ in types}
