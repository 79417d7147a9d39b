"""A wrong setting ends the start with one line that names it; a venue that is away does not."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from chassis.errors import StartError
from chassis.nats_bus import connect
from chassis.settings import load
from contracts.messages import FeedState
from sandbox.exchange.server import ExchangeServer
from services.feed import wiring
from services.feed.domain.sessions import METALS
from services.feed.settings import FeedSettings
from tests.feed.builders import until
from tests.feed.plain_market import PlainTape
from tests.feed.running import LEGACY_PATH, NEW_PATH, running_feed
from tests.shared import ROOT


@pytest.fixture
def settings(monkeypatch, tmp_path) -> Callable[..., FeedSettings]:
    """Settings as the environment gives them, far from any `.env`."""
    monkeypatch.chdir(tmp_path)

    def read(**environment: str) -> FeedSettings:
        for name, value in environment.items():
            monkeypatch.setenv(f"SINYAL_FEED_{name}", value)
        return load("feed", FeedSettings)

    return read


def test_defaults_are_gold_on_the_newer_dialect(settings) -> None:
    told = settings()

    assert (told.dialect, told.symbol_map) == ("new", {"XAUUSD": "frxXAUUSD"})
    assert wiring.known_instruments(told)["XAUUSD"].hours is METALS


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("VENUE_URL", "http://venue.example/ws", "no WebSocket address"),
        ("VENUE_URL", "ws:///path", "no WebSocket address"),
        ("DIALECT", "newest", "'new' or 'legacy'"),
        ("SYMBOLS", "XAUUSD", "pairs such as XAUUSD=frxXAUUSD"),
        ("SYMBOLS", "XAUUSD=frxXAUUSD,XAUUSD=frxOTHER", "twice"),
        ("APP_ID", "mine", "pattern"),
        ("INSTRUMENTS", "{", "not JSON"),
        ("INSTRUMENTS", '{"EURUSD": {"pip": 1}}', "Field required"),
        ("STALE_AFTER_S", "30", "must be less than"),
        ("SYMBOL", "XAUUSD=frxXAUUSD", "did you mean SINYAL_FEED_SYMBOLS"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(settings, name, value, words) -> None:
    with pytest.raises(StartError) as raised:
        settings(**{name: value})

    assert words in str(raised.value)
    assert "SINYAL_FEED" in str(raised.value)
    if name != "STALE_AFTER_S":
        assert f"SINYAL_FEED_{name}" in str(raised.value)


def test_a_symbol_that_nobody_described_is_named_and_can_be_described(settings, monkeypatch) -> None:
    with pytest.raises(StartError, match="SINYAL_FEED_INSTRUMENTS: describe EURUSD"):
        wiring.known_instruments(settings(SYMBOLS="EURUSD=frxEURUSD"))

    monkeypatch.delenv("SINYAL_FEED_SYMBOLS")
    described = settings(SYMBOLS="EURUSD=frxEURUSD", INSTRUMENTS='{"EURUSD": {"digits": 5, "pip": 0.0001}}')
    assert wiring.known_instruments(described)["EURUSD"].pip == 0.0001


def start(nats: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.feed"],
        cwd=ROOT,
        env={**os.environ, "SINYAL_NATS_URL": nats, **{f"SINYAL_FEED_{k}": v for k, v in environment.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    await until(lambda: process.poll() is not None, deadline_s=30)
    return process.wait(), process.communicate()[1]


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "environment", "named"),
    [
        (NEW_PATH, {"DIALECT": "legacy"}, "SINYAL_FEED_DIALECT"),
        (LEGACY_PATH, {"APP_ID": "1089"}, "SINYAL_FEED_VENUE_URL"),
        ("/nowhere", {}, "SINYAL_FEED_VENUE_URL"),
        (NEW_PATH, {"SYMBOLS": "XAUUSD=frxGOLD"}, "SINYAL_FEED_SYMBOLS"),
    ],
)
async def test_a_venue_that_is_not_the_one_described_ends_the_start(nats, path, environment, named) -> None:
    async with ExchangeServer(PlainTape()) as exchange:
        code, words = await ended(start(nats, VENUE_URL=exchange.url + path, **environment))

    assert code == 2
    assert words.startswith(f"feed: {named}: ")
    assert words.count("\n") == 1


@pytest.mark.real
async def test_prices_of_another_market_on_the_broker_end_the_start(nats) -> None:
    async with (
        ExchangeServer(PlainTape("2026-01-07T12:00:00")) as exchange,
        connect(nats, name="feed") as bus,
        running_feed(bus, exchange.url + NEW_PATH) as running,
    ):
        await running.reaches(FeedState.LIVE)

    async with ExchangeServer(PlainTape("2026-01-06T12:00:00")) as exchange:
        code, words = await ended(start(nats, VENUE_URL=exchange.url + NEW_PATH))

    assert code == 2
    assert "SINYAL_FEED_VENUE_URL" in words
    assert "another market was recorded on this broker" in words


@pytest.mark.real
async def test_the_service_waits_for_a_venue_that_is_away_and_stops_cleanly(nats) -> None:
    process = start(nats, VENUE_URL="ws://127.0.0.1:9/", RECONNECT_FIRST_S="0.1")
    lines: list[str] = []
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)

    def has_lost() -> bool:
        lines.extend(process.stdout or ())
        return any("venue.lost" in line for line in lines)

    await until(has_lost, deadline_s=30)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    code, words = await ended(process)

    assert (code, words) == (0, "")
    assert sum("venue.lost" in line for line in lines) == 1
