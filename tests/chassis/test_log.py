"""Logs: a closed set of keys, a rate limit with a count, no secret."""

import ast
import io
import json
import logging
from pathlib import Path

import pytest
import structlog

from chassis import log

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def written():
    stream = io.StringIO()
    log.configure("test", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.configure("test")
    logging.getLogger().handlers.clear()


def test_a_line_is_json_with_time_level_service_and_event(written) -> None:
    structlog.get_logger().info("tick.late", symbol="XAUUSD")
    (line,) = written()
    assert (line["event"], line["level"], line["service"], line["symbol"]) == ("tick.late", "info", "test", "XAUUSD")
    assert line["ts"].endswith("Z")


def test_a_key_outside_the_set_is_refused(written) -> None:
    with pytest.raises(KeyError, match="colour"):
        structlog.get_logger().info("tick.late", colour="red")


def test_a_flood_of_one_event_is_cut_and_counted_and_others_pass(written) -> None:
    clock = iter([n / 20_000 for n in range(100_000)])
    now = [0.0]

    def monotonic() -> float:
        now[0] = next(clock)
        return now[0]

    limit = log.RateLimit(monotonic=monotonic)
    passed = 0
    for _ in range(18_000):
        try:
            limit(None, "warning", {"event": "feed.broken"})
        except structlog.DropEvent:
            continue
        passed += 1
    limit(None, "warning", {"event": "other.event"})
    for _ in range(60_000):
        monotonic()

    assert passed == log.LINES_PER_SECOND
    assert limit.drain() == [("feed.broken", "warning", 18_000 - log.LINES_PER_SECOND)]
    assert limit.drain() == []


def test_tokens_and_passwords_never_reach_a_line(written) -> None:
    token = "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345"
    structlog.get_logger().warning("call.failed", error=ValueError(f"https://api/bot{token}/send"))
    structlog.get_logger().warning("database.away", url="postgresql://sinyal:hunter2@db/x")
    logging.getLogger("library").warning("token is %s", token)
    try:
        raise RuntimeError(token)
    except RuntimeError:
        structlog.get_logger().exception("call.crashed")

    text = json.dumps(written())
    assert token not in text
    assert "hunter2" not in text
    assert "AAF-" not in text
    assert len(written()) == 4


def test_what_was_cut_in_the_last_second_is_counted_at_the_end(written) -> None:
    for _ in range(log.LINES_PER_SECOND + 5):
        structlog.get_logger().warning("feed.broken")
    log.summarise_suppressed(at_end=True)
    assert (written()[-1]["event"], written()[-1]["suppressed"]) == ("log.suppressed", 5)


def test_every_key_that_is_logged_anywhere_is_in_the_set() -> None:
    """A key that is not would raise in the very branch that reports trouble."""
    methods = {"debug", "info", "warning", "error", "exception", "critical"}
    strange = []
    seen = 0
    for folder in ("chassis", "services"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"), attr=attr)) if attr in methods:
                        seen += 1
                        keys = {word.arg for word in node.keywords if word.arg} - {"exc_info"}
                        strange += [f"{path.name}:{node.lineno} {key}" for key in keys - log.KEYS]
    assert seen > 20
    assert strange == []
