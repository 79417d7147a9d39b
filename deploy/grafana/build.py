"""Writes the dashboards: `python deploy/grafana/build.py`. Their JSON is committed; a test builds it anew."""

from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
FOLDER = Path(__file__).parent / "dashboards"
WIDTH = 24


@dataclass(frozen=True, slots=True)
class Query:
    """One line of a panel."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: `unit` is Grafana's name of it, `width` in columns of 24; `is_number` shows one number, not a line."""

    title: str
    meaning: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    is_number: bool = False


def quantile(share: float, metric: str, by: str = "") -> str:
    """Build the quantile of a histogram over the last minutes."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket[$__rate_interval])))"


def p50_p99(metric: str) -> tuple[Query, ...]:
    """Build the two lines that a latency panel shows."""
    return (Query(quantile(0.5, metric), "p50"), Query(quantile(0.99, metric), "p99"))


OVERVIEW: dict[str, tuple[Panel, ...]] = {
    "Now": (
        Panel("Feed", "The state of each symbol's feed. Only LIVE raises signals.",
              (Query("sinyal_feed_state == 1", "{{symbol}} {{state}}"),), width=4, is_number=True),
        Panel("Services up", "How many of the five rooms answer Prometheus.",
              (Query('sum(up{job="sinyal"})'),), width=4, is_number=True),
        Panel("Open positions", "Proposed or open now.",
              (Query("sum(sinyal_open_positions) or vector(0)"),), width=4, is_number=True),
        Panel("Subscribers", "Active subscribers.",
              (Query("sum(sinyal_subscribers) or vector(0)"),), width=4, is_number=True),
        Panel("Dead letters", "Messages that can never be handled. Look at them: sinyal dlq.",
              (Query("sum(sinyal_dead_total) or vector(0)"),), width=4, is_number=True),
        Panel("Bugs", "Handlers that failed unexpectedly: code must change.",
              (Query("sum(sinyal_bug_total) or vector(0)"),), width=4, is_number=True),
    ),
    "Market": (
        Panel("Ticks per second", "Falling to zero while the market is open: the venue is silent.",
              (Query("sum by (symbol) (rate(sinyal_ticks_total[$__rate_interval]))", "{{symbol}}"),)),
        Panel("Tick age", "Venue time to receive time.", p50_p99("sinyal_tick_age_seconds"), "s"),
        Panel("Bad input", "Venue input dropped, by reason.",
              (Query("sum by (reason) (rate(sinyal_bad_input_total[$__rate_interval])) or vector(0)", "{{reason}}"),)),
    ),
    "Decisions": (
        Panel("Signals per hour", "What the strategies say.",
              (Query("sum by (side) (rate(sinyal_signals_total[1h])) * 3600 or vector(0)", "{{side}}"),)),
        Panel("Candle to signal", "Candle closed to signal stored.", p50_p99("sinyal_tick_to_signal_seconds"), "s"),
        Panel("Tick to exit", "Tick received to exit stored. The promise is 100 ms.",
              p50_p99("sinyal_tick_to_exit_seconds"), "s"),
    ),
    "Delivery": (
        Panel("Sends per minute", "How sends ended.",
              (Query("sum by (state) (rate(sinyal_sends_total[$__rate_interval])) * 60 or vector(0)", "{{state}}"),)),
        Panel("Signal to sent", "Signal raised to text confirmed.", p50_p99("sinyal_signal_to_sent_seconds"), "s"),
        Panel("Waiting sends", "Held by the dispatcher. Rising: more is due than the limits allow.",
              (Query("sum by (kind) (sinyal_send_queue) or vector(0)", "{{kind}}"),)),
        Panel("Bot API calls per second", "By method.",
              (Query("sum by (method) (rate(sinyal_api_calls_total[$__rate_interval]))", "{{method}}"),)),
        Panel("Picture", "One render.", p50_p99("sinyal_render_seconds"), "s"),
        Panel("Outbox", "Rows not yet published. Rising: broker away, or the relay is dead.",
              (Query("sum(sinyal_outbox_pending) or vector(0)", "pending"),)),
    ),
    "Inside": (
        Panel("Messages handled per second", "The consume loops.",
              (Query("sum by (consumer) (rate(sinyal_handled_total[$__rate_interval]))", "{{consumer}}"),)),
        Panel("Retries per second", "Put off by a transient error.",
              (Query("sum by (topic) (rate(sinyal_retried_total[$__rate_interval])) or vector(0)", "{{topic}}"),)),
        Panel("Memory", "Resident memory of each room.",
              (Query('process_resident_memory_bytes{job="sinyal"}', "{{service}}"),), "bytes"),
    ),
}  # fmt: skip

FEED: dict[str, tuple[Panel, ...]] = {
    "Now": (
        Panel("State", "The state of each symbol's feed. Only LIVE raises signals.",
              (Query("sinyal_feed_state == 1", "{{symbol}} {{state}}"),), width=4, is_number=True),
        Panel("Last tick", "How long ago the last live tick came. Grows while the market is closed.",
              (Query("time() - sinyal_last_tick_timestamp_seconds", "{{symbol}}"),), "s", width=4, is_number=True),
        Panel("Breaker open", "1: the venue was not there five times in a row and is left alone between single tries.",
              (Query('sinyal_breaker_open{service="feed"}', "{{name}}"),), width=4, is_number=True),
        Panel("Waiting for the broker", "The outlet's backlog. Over the limit all is given up and asked for again.",
              (Query("sum(sinyal_feed_backlog) or vector(0)"),), width=4, is_number=True),
        Panel("Gaps in a day", "Holes the venue could not fill. Nothing was invented in their place.",
              (Query("sum(increase(sinyal_gaps_total[1d])) or vector(0)"),), width=4, is_number=True),
        Panel("Corrected minutes in a day", "The venue's history contradicted what was told: it won.",
              (Query('sum(increase(sinyal_candle_corrections_total{interval="M1"}[1d])) or vector(0)'),),
              width=4, is_number=True),
    ),
    "The line": (
        Panel("Round trip", "JSON ping of each venue.",
              (Query(quantile(0.5, "sinyal_venue_round_trip_seconds", "venue"), "p50 {{venue}}"),
               Query(quantile(0.99, "sinyal_venue_round_trip_seconds", "venue"), "p99 {{venue}}")), "s"),
        Panel("Connections per hour", "Made and lost. Many: the line, or a ban.",
              (Query("sum by (venue, outcome) (increase(sinyal_venue_connects_total[1h])) or vector(0)",
                     "{{venue}} {{outcome}}"),)),
        Panel("States", "1 for the state each symbol is in.",
              (Query("sinyal_feed_state", "{{symbol}} {{state}}"),)),
    ),
    "What is told": (
        Panel("Ticks per second", "Falling to zero while the market is open: the venue is silent.",
              (Query("sum by (symbol) (rate(sinyal_ticks_total[$__rate_interval]))", "{{symbol}}"),)),
        Panel("Tick age", "Venue time to receive time. Deriv tells whole seconds.", p50_p99("sinyal_tick_age_seconds"),
              "s"),
        Panel("Candles per hour", "Closed, by interval.",
              (Query("sum by (interval) (increase(sinyal_candles_total[1h])) or vector(0)", "{{interval}}"),)),
    ),
    "What is wrong": (
        Panel("Bad input", "Dropped, by reason.",
              (Query("sum by (reason) (rate(sinyal_bad_input_total[$__rate_interval]))", "{{reason}}"),)),
        Panel("Corrections per hour", "Candles told otherwise than the venue's history has them.",
              (Query("sum by (symbol, interval) (increase(sinyal_candle_corrections_total[1h]))",
                     "{{symbol}} {{interval}}"),)),
        Panel("Gaps per hour", "Holes the venue could not fill.",
              (Query("sum by (symbol) (increase(sinyal_gaps_total[1h]))", "{{symbol}}"),)),
    ),
    "The way out": (
        Panel("Backlog", "Messages that wait for the broker. Rising: it is away or too slow.",
              (Query("sum(sinyal_feed_backlog) or vector(0)", "waiting"),), width=12),
        Panel("Dropped for newer", "Prices and drawings for people who look, replaced before they left. Never a tick.",
              (Query("sum by (topic) (rate(sinyal_feed_overwritten_total[$__rate_interval])) or vector(0)",
                     "{{topic}}"),), width=12),
    ),
}  # fmt: skip


def build(title: str, uid: str, rows: dict[str, tuple[Panel, ...]]) -> str:
    """Lay a dashboard out and write it as JSON, in the classic model: what Grafana provisions from files."""
    dashboard = (
        board.Dashboard(title).uid(uid).tags(["sinyal"]).refresh("5s").time("now-15m", "now").timezone("browser")
    )
    for row, panels in rows.items():
        dashboard = dashboard.with_row(board.Row(row))
        for panel in panels:
            dashboard = dashboard.with_panel(draw(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard.build()) + "\n"


def draw(panel: Panel) -> stat.Panel | timeseries.Panel:
    """Build one panel."""
    kind = stat.Panel().text_mode(BigValueTextMode.VALUE_AND_NAME) if panel.is_number else timeseries.Panel()
    built = (
        kind.title(panel.title)
        .description(panel.meaning)
        .datasource(SOURCE)
        .unit(panel.unit)
        .height(4 if panel.is_number else 7)
        .span(panel.width)
        .min(0)
    )
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expression).ref_id("ABCDEF"[number]).datasource(SOURCE)
        built = built.with_target(target.legend_format(query.legend) if query.legend else target)
    return built


DASHBOARDS = {
    "overview.json": ("Sinyal overview", "sinyal-overview", OVERVIEW),
    "feed.json": ("Sinyal feed", "sinyal-feed", FEED),
}


def main() -> None:
    """Write all dashboards."""
    for name, (title, uid, rows) in DASHBOARDS.items():
        (FOLDER / name).write_text(build(title, uid, rows))


if __name__ == "__main__":
    main()
