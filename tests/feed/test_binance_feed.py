"""The whole feed on the simulator's Binance, and on two venues at once, with a real broker."""

import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from itertools import pairwise

import pytest

from chassis.clock import MarketClock, SystemClock
from chassis.errors import StartError
from chassis.nats_bus import connect
from chassis.settings import load
from contracts import catalogue
from contracts.messages import FeedState, Interval
from sandbox.exchange.server import ExchangeServer
from services.feed import wiring
from services.feed.adapters.binance_venue import BinanceVenue
from services.feed.adapters.deriv_venue import DerivVenue
from services.feed.settings import FeedSettings, Route
from tests.feed.builders import ms, until
from tests.feed.plain_market import PlainTape
from tests.feed.running import NEW_PATH, patient, running_feed
from tests.shared import ROOT

PAXG = '{"PAXGUSDT": {"digits": 2, "pip": 0.1, "hours": "always"}}'
GOLD_BREAK = (ms("2026-01-05T21:58:00"), ms("2026-01-05T23:03:00"))
"""Binance never closes, but the tape is of gold, which does: that is a hole, and told as one."""

TWO = "XAUUSD=frxXAUUSD,PAXGUSDT=binance:PAXGUSDT"


def binance_at(exchange: ExchangeServer) -> dict[str, str]:
    return {"binance_url": exchange.url.replace("ws://", "http://"), "binance_stream_url": exchange.url}


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """Settings as the environment gives them, far from any `.env`."""
    monkeypatch.chdir(tmp_path)

    def read(**environment: str) -> FeedSettings:
        for name, value in environment.items():
            monkeypatch.setenv(f"SINYAL_FEED_{name}", value)
        return load("feed", FeedSettings)

    return read


def test_a_symbol_names_its_venue_or_has_the_default_one(settings) -> None:
    told = settings(SYMBOLS="XAUUSD=frxXAUUSD, PAXGUSDT = binance:PAXGUSDT")

    assert told.routes == (Route("XAUUSD", "deriv", "frxXAUUSD"), Route("PAXGUSDT", "binance", "PAXGUSDT"))
    assert told.venues == ("deriv", "binance")
    assert told.symbols_of("binance") == {"PAXGUSDT": "PAXGUSDT"}


def test_the_default_venue_can_be_binance(settings) -> None:
    told = settings(VENUE="binance", SYMBOLS="BTCUSDT=BTCUSDT")

    assert told.venues == ("binance",)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SYMBOLS", "BTCUSDT=kraken:BTCUSDT", "'kraken' is no venue of ours: deriv, binance"),
        ("SYMBOLS", "BTC=binance:BTCUSDT,XBT=binance:BTCUSDT", "twice"),
        ("SYMBOLS", "BTCUSDT=binance:", "pairs such as"),
        ("VENUE", "kraken", "'deriv' or 'binance'"),
        ("BINANCE_URL", "ws://binance.example", "no HTTP address"),
        ("BINANCE_STREAM_URL", "https://binance.example", "no WebSocket address"),
    ],
)
def test_a_wrong_venue_is_named(settings, name, value, words) -> None:
    with pytest.raises(StartError, match=f"SINYAL_FEED_{name}") as raised:
        settings(**{name: value})

    assert words in str(raised.value)


def test_each_venue_gets_its_own_adapter(settings) -> None:
    told = settings(SYMBOLS=TWO)
    market = MarketClock(SystemClock())

    assert isinstance(wiring.build_venue(told, "deriv", market), DerivVenue)
    assert isinstance(wiring.build_venue(told, "binance", market), BinanceVenue)


@pytest.mark.real
async def test_binance_is_heard_from_history_to_live_and_repaired_after_an_outage(nats) -> None:
    async with (
        ExchangeServer(PlainTape(), speed=10) as exchange,
        connect(nats, name="feed") as bus,
        running_feed(
            bus,
            exchange.url,
            symbols="PAXGUSDT=binance:PAXGUSDT",
            instruments=PAXG,
            market_speed=10,
            **binance_at(exchange),
        ) as running,
    ):
        await running.reaches(FeedState.LIVE)
        exchange.set_fault("outage", seconds=3)
        await running.reaches(FeedState.RECONNECTING)
        await running.reaches(FeedState.LIVE)
        await running.goes_on(2, "PAXGUSDT")  # so that live quotes follow the repaired ones
        await running.outlet.drained()
        candles = await patient(partial(bus.latest, catalogue.CANDLE, "PAXGUSDT", Interval.M1, count=5000))
        ticks = await patient(partial(bus.latest, catalogue.TICK, "PAXGUSDT", count=50_000))
        states = await patient(partial(bus.latest, catalogue.FEED, "PAXGUSDT", count=100))
        gaps = await patient(partial(bus.latest, catalogue.GAP, "PAXGUSDT", count=100))

    opens = [candle.open_time_s for candle in candles]
    moments = [tick.epoch_ms for tick in ticks]
    assert len(opens) >= 1000
    assert all(later - earlier == 60 for earlier, later in pairwise(opens) if later > opens[-200])
    assert moments == sorted(moments)
    assert max(later - earlier for earlier, later in pairwise(moments)) < 10_000
    assert any(tick.bid < tick.ask for tick in ticks)
    assert {state.venue for state in states} == {"binance"}
    assert [(gap.from_ms, gap.to_ms) for gap in gaps] == [GOLD_BREAK]


def start(nats: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.feed"],
        cwd=ROOT,
        env={**os.environ, "SINYAL_NATS_URL": nats, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.real
async def test_one_service_hears_two_venues(nats) -> None:
    async with ExchangeServer(PlainTape(), speed=20) as exchange, connect(nats, name="telegram") as bus:
        told = {
            "SYMBOLS": TWO,
            "INSTRUMENTS": PAXG,
            "MARKET_SPEED": "20",
            "VENUE_URL": exchange.url + NEW_PATH,
            **{name.upper(): value for name, value in binance_at(exchange).items()},
        }
        environment = {f"SINYAL_FEED_{name}": value for name, value in told.items()}
        process = start(nats, environment)
        try:
            live = {}
            async with asyncio.timeout(60):
                while set(live.values()) != {FeedState.LIVE} or len(live) < 2:
                    for symbol in ("XAUUSD", "PAXGUSDT"):
                        for state in await patient(partial(bus.latest, catalogue.FEED, symbol)):
                            live[symbol] = state.state
                    await asyncio.sleep(0.2)
            venues = {(await patient(partial(bus.latest, catalogue.FEED, symbol)))[-1].venue for symbol in live}
        finally:
            process.send_signal(signal.SIGTERM)
            await until(lambda: process.poll() is not None)
            words = process.communicate()[1]

    assert venues == {"deriv", "binance"}
    assert (process.returncode, words) == (0, b"")
