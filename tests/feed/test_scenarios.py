"""Days in the life of a feed, on the simulator in virtual time: the exact states, and every candle."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
from prometheus_client import REGISTRY

from chassis.clock import MarketClock
from contracts.messages import FeedState as S
from contracts.messages import Interval
from sandbox.exchange import sessions
from sandbox.exchange.faults import Faults
from sandbox.exchange.server import ExchangeServer
from services.feed.adapters.binance_venue import BinanceAddress, BinanceVenue
from tests.feed.builders import ms, until
from tests.feed.plain_market import PlainTape
from tests.feed.scenario import Scene, scene
from tests.feed.venue_contract import OURS, talking
from tests.feed.virtual_time import VirtualClock, VirtualLoop, in_virtual_time
from tests.feed.wholeness import assert_whole

STARTED = [S.RECONNECTING, S.BACKFILLING, S.LIVE]
REPAIRED = [S.RECONNECTING, S.BACKFILLING, S.LIVE]


def assert_same(on: Scene, tape: PlainTape, states: list[S]) -> None:
    """Nothing is missing, doubled or invented, and just these states were told."""
    found = on.found()
    assert_whole(found, tape)
    assert found.gaps == []
    assert on.states == states


# --- hours ------------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_the_daily_break_is_closed_and_leaves_no_candle() -> None:
    tape = PlainTape("2026-01-06T21:30:00")
    async with scene(tape, speed=60.0) as on:
        await on.until("2026-01-06T23:30:00")

        assert_same(on, tape, [*STARTED, S.CLOSED, S.LIVE])
        opens = [candle.open_time_s * 1000 for candle in on.found().candles[Interval.M1]]
        assert not [at for at in opens if ms("2026-01-06T21:58:00") <= at < ms("2026-01-06T23:03:00")]


@in_virtual_time
async def test_a_weekend_is_one_closed_state_over_one_connection() -> None:
    tape = PlainTape("2026-01-09T21:30:00", days=4)
    async with scene(tape, speed=600.0) as on:
        await on.reaches(S.LIVE)
        link = next(iter(on.exchange._talks))
        await on.until("2026-01-12T00:10:00")

        assert list(on.exchange._talks) == [link]
        assert_same(on, tape, [*STARTED, S.CLOSED, S.LIVE])


@in_virtual_time
async def test_a_weekend_in_which_new_yorks_clocks_change_ends_an_hour_earlier() -> None:
    tape = PlainTape("2026-03-06T21:30:00", days=4)
    async with scene(tape, speed=600.0) as on:
        await on.until("2026-03-08T23:30:00")

        assert_same(on, tape, [*STARTED, S.CLOSED, S.LIVE])
        opens = [candle.open_time_s * 1000 for candle in on.found().candles[Interval.M1]]
        assert ms("2026-03-06T21:57:00") in opens
        assert min(at for at in opens if at > ms("2026-03-06T21:58:00")) == ms("2026-03-08T22:03:00")


@contextmanager
def early_close(day: date, close: str) -> Iterator[None]:
    """Let one session of the simulator end early, as `trading_times` then says."""
    session_of = sessions.session_of

    def shortened(asked: date) -> sessions.Session | None:
        found = session_of(asked)
        return found._replace(close_ms=ms(close)) if found and asked == day else found

    with patch.object(sessions, "session_of", shortened):
        yield


@in_virtual_time
async def test_an_early_close_on_a_friday_is_closed_and_not_stale() -> None:
    with early_close(date(2026, 1, 9), "2026-01-09T18:30:00"):
        tape = PlainTape("2026-01-09T18:00:00")
        async with scene(tape, speed=60.0) as on:
            await on.until("2026-01-09T22:30:00")

            assert_same(on, tape, [*STARTED, S.CLOSED])
            assert on.found().candles[Interval.M1][-1].open_time_s * 1000 == ms("2026-01-09T18:29:00")
            assert on.running.feed.check().is_ready


@in_virtual_time
async def test_a_market_that_is_closed_at_the_start_is_closed_until_it_opens() -> None:
    tape = PlainTape("2026-01-06T22:10:00")
    async with scene(tape, speed=60.0) as on:
        await on.until("2026-01-06T23:00:00")
        assert on.states == [S.RECONNECTING, S.BACKFILLING, S.CLOSED]
        await on.until("2026-01-06T23:20:00")

        assert_same(on, tape, [S.RECONNECTING, S.BACKFILLING, S.CLOSED, S.LIVE])
        opens = [candle.open_time_s * 1000 for candle in on.found().candles[Interval.M1]]
        assert not [at for at in opens if ms("2026-01-06T21:58:00") <= at < ms("2026-01-06T23:03:00")]


# --- links ------------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_silence_in_an_open_market_is_stale_after_10_s_and_reconnects() -> None:
    tape = PlainTape("2026-01-06T12:00:02")
    async with scene(tape, speed=1.0) as on:
        await on.reaches(S.LIVE)
        await on.until("2026-01-06T12:00:05")
        on.exchange.set_fault("silence", seconds=25)
        await on.reaches(S.STALE)
        stale_ms = on.exchange.market_now_ms()
        await on.until("2026-01-06T12:03:00")

        assert 10_000 <= stale_ms - ms("2026-01-06T12:00:05") <= 11_500
        assert_same(on, tape, [*STARTED, S.STALE, S.BACKFILLING, S.LIVE])


@in_virtual_time
async def test_a_half_open_link_is_found_in_under_12_seconds() -> None:
    tape = PlainTape()
    async with scene(tape, speed=1.0) as on:
        await on.reaches(S.LIVE)
        await asyncio.sleep(3)
        broken_at = asyncio.get_running_loop().time()
        on.exchange.set_fault("half_open", seconds=120)
        await on.reaches(S.RECONNECTING)
        found_s = asyncio.get_running_loop().time() - broken_at
        on.exchange.clear_faults()
        await on.reaches(S.LIVE)
        await asyncio.sleep(70)

        assert found_s < 12
        assert_same(on, tape, [*STARTED, *REPAIRED])


async def _reached(addr_infos: list[Any], **_: Any) -> socket.socket:
    """Stand in for how aiohttp connects a socket, which goes past the loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return await loop.connected(addr_infos[0][4][1])


@in_virtual_time
async def test_a_half_open_stream_of_binance_is_found_in_under_12_seconds() -> None:
    now = asyncio.get_running_loop().time
    exchange = ExchangeServer(PlainTape(), wall=now)
    exchange.faults = Faults(now)
    with patch("aiohttp.connector.aiohappyeyeballs.start_connection", _reached):
        async with exchange:
            address = BinanceAddress(exchange.url.replace("ws://", "http://"), exchange.url)
            async with talking(BinanceVenue(address, {OURS: "PAXGUSDT"}, MarketClock(VirtualClock()))) as talk:
                await talk.session.subscribe(OURS)
                await asyncio.sleep(30)
                assert talk.lost is None
                broken_at = now()
                exchange.set_fault("half_open", seconds=120)
                await until(lambda: talk.lost is not None)
                found_s = now() - broken_at

    assert found_s < 12
    assert talk.quotes


@in_virtual_time
async def test_a_venue_that_accepts_and_closes_is_called_at_most_ten_times_in_the_first_minute() -> None:
    tape = PlainTape()
    async with scene(tape, speed=1.0) as on:
        await on.reaches(S.LIVE)
        calls: list[float] = []
        take = on.exchange.faults.take

        def counted(kind: str) -> bool:
            is_on = take(kind)
            if kind == "accept_then_close" and is_on:
                calls.append(asyncio.get_running_loop().time())
            return is_on

        with patch.object(on.exchange.faults, "take", counted):
            on.exchange.set_fault("accept_then_close", seconds=60)
            on.exchange.set_fault("close")
            await asyncio.sleep(60)
            assert on.running.feed.check().facts["breaker_open"] is True
            await on.reaches(S.LIVE)
        await asyncio.sleep(70)

        assert 3 <= len(calls) <= 10
        assert on.running.feed.check().facts["breaker_open"] is False
        assert_same(on, tape, [*STARTED, *REPAIRED])


@in_virtual_time
async def test_a_rate_limit_is_waited_out_on_one_connection() -> None:
    tape = PlainTape()
    async with scene(tape, speed=1.0) as on:
        await on.reaches(S.LIVE)
        link = next(iter(on.exchange._talks))
        on.exchange.set_fault("rate_limit", seconds=50)
        await asyncio.sleep(200)

        assert list(on.exchange._talks) == [link]
        assert_same(on, tape, STARTED)


@in_virtual_time
async def test_doubled_and_disordered_ticks_change_nothing() -> None:
    tape = PlainTape()
    async with scene(tape, speed=1.0) as on:
        await on.reaches(S.LIVE)
        for _ in range(20):
            on.exchange.set_fault("duplicate", count=3)
            on.exchange.set_fault("garbage", count=9)
            await asyncio.sleep(10)

        assert_same(on, tape, STARTED)


@pytest.mark.parametrize("jump_s", [3600, -3600, 20, -20])
@in_virtual_time
async def test_a_venue_whose_clock_jumps_while_its_quotes_do_not_closes_no_candle_too_early(jump_s: int) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("sinyal_bad_input_total", {"reason": "clock_jump"}) or 0.0

    tape, before = PlainTape(), counted()
    async with scene(tape, speed=1.0) as on:
        await on.reaches(S.LIVE)
        talk = next(iter(on.exchange._talks.values()))
        with jumped(talk, jump_s):
            await asyncio.sleep(200)
            offset_s = REGISTRY.get_sample_value("sinyal_venue_clock_offset_seconds", {"venue": "deriv"})
            assert offset_s == pytest.approx(jump_s, abs=1.5)
        await asyncio.sleep(100)

        assert_same(on, tape, STARTED)
        assert counted() - before >= 6


@contextmanager
def jumped(talk: Any, jump_s: int) -> Iterator[None]:
    """Let the answers to `time` be wrong by so much."""
    tell = talk._plain["time"]
    with patch.dict(talk._plain, {"time": lambda asked: tell(asked) + jump_s}):
        yield
