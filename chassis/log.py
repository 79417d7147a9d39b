"""JSON lines on standard output, from a closed set of keys, with a rate limit per event and no secrets.

An event is `<noun>.<past>` and its text is constant; what varies stands under the keys below. At most
`LINES_PER_SECOND` lines of one event and level are written in a second; a `log.suppressed` line counts the others.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

KEYS = frozenset(
    {
        "ts", "level", "service", "event", "topic", "key", "seq", "delivered", "symbol", "interval_s", "signal_id",
        "position_id", "version", "took_ms", "error", "exception", "logger",
        # additions, each with its reason
        "reason",  # a refusal or a change of state, in constant words
        "state", "count", "attempt", "delay_s", "suppressed", "since", "subject", "consumer", "venue", "strategy",
        "send_id", "chat_id", "moved_to", "subscriber_id", "port", "url", "instance", "market_ms", "pid",
    }
)  # fmt: skip
LINES_PER_SECOND = 20

_TOKEN = re.compile(r"(?<!\d)\d{5,12}:[A-Za-z0-9_-]{30,50}")
_CREDENTIALS = re.compile(r"(\w+://[^/\s:@]*):[^@/\s]+@")

EventDict = MutableMapping[str, Any]


def redact(text: str) -> str:
    """Hide bot tokens and the passwords of URLs."""
    return _CREDENTIALS.sub(r"\1:[hidden]@", _TOKEN.sub("[token]", text))


def _redact_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
        elif isinstance(value, BaseException):
            event[key] = redact(f"{type(value).__name__}: {value}")
    return event


def _check_keys(_logger: object, _method: str, event: EventDict) -> EventDict:
    unknown = event.keys() - KEYS
    if unknown:
        raise KeyError(f"log keys {sorted(unknown)} are not in chassis/log.py")
    return event


class RateLimit:
    """Lets `limit` lines of one event and level through in each second and counts the rest."""

    def __init__(self, limit: int = LINES_PER_SECOND, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._windows: dict[tuple[str, str], list[float]] = {}

    def __call__(self, _logger: object, method: str, event: EventDict) -> EventDict:
        """Pass the event on, or drop it."""
        window = self._windows.setdefault((str(event.get("event")), method), [self._monotonic(), 0, 0])
        if self._monotonic() - window[0] >= 1 and not window[2]:
            window[0], window[1] = self._monotonic(), 0
        window[1] += 1
        if window[1] > self._limit:
            window[2] += 1
            raise structlog.DropEvent
        return event

    def drain(self, *, everything: bool = False) -> list[tuple[str, str, int]]:
        """List (event, level, suppressed count) of the windows that are over, or of all, and forget them."""
        now = self._monotonic()
        over = [name for name, window in self._windows.items() if everything or now - window[0] >= 1]
        drained = [(*name, int(self._windows[name][2])) for name in over if self._windows[name][2]]
        for name in over:
            del self._windows[name]
        return drained


_rate_limit = RateLimit()


def summarise_suppressed(*, at_end: bool = False) -> None:
    """Write one line for each event that the rate limit cut. Call it every second, and at the end."""
    for event, level, count in _rate_limit.drain(everything=at_end):
        structlog.get_logger().warning("log.suppressed", key=event, state=level, suppressed=count)


def configure(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up logging for this process, foreign libraries included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", key="ts", utc=True),
        structlog.processors.format_exc_info,
        _redact_values,
    ]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
    structlog.configure(
        processors=[_rate_limit, *shared, _check_keys, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stdout),
        cache_logger_on_first_use=False,
    )
    foreign = logging.StreamHandler(stream or sys.stdout)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    foreign.addFilter(_ForeignLimit())
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)


class _ForeignLimit(logging.Filter):
    """The same rate limit for lines of libraries, by logger and template."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            _rate_limit(None, record.levelname.lower(), {"event": f"{record.name}: {record.msg}"[:120]})
        except structlog.DropEvent:
            return False
        return True
