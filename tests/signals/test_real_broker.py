"""The room as a process on a real broker: killed in the middle, started again, stopped by a signal."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from chassis.bus import Bus
from chassis.clock import SystemClock
from chassis.errors import TransientError
from chassis.nats_bus import connect
from contracts import asks, catalogue
from contracts.messages import FeedState, Interval, Mode
from services.signals.domain.opinion import Signal
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.domain.view import View
from tests.shared import ROOT
from tests.signals.builders import golden_series
from tests.signals.market import SYMBOL, enter, history, publish, told, until

pytestmark = pytest.mark.real

CANDLES = golden_series(116)
CLOCK = SystemClock()
BACK_AFTER_S = catalogue.SIGNALS_CANDLES.ack_wait_s + 15  # what a killed copy had in hand is handed on by then
NOW = asks.EvaluateNow(symbol=SYMBOL)


@asynccontextmanager
async def process_on(url: str, bus: Bus) -> AsyncIterator[Process]:
    """A room of its own process that answers; killed at the end where it still runs."""
    environment = {**os.environ, "SINYAL_NATS_URL": url, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.signals", cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        await answering(bus, process)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def answering(bus: Bus, process: Process) -> None:
    async with asyncio.timeout(30):
        while True:
            assert process.returncode is None, "the room ended by itself"
            try:
                await bus.ask(catalogue.SERIES, asks.GetSeries(symbol=SYMBOL, interval=Interval.M1), deadline_s=1)
            except TransientError:
                await asyncio.sleep(0.1)
            else:
                return


@asynccontextmanager
async def auto_signals(bus: Bus) -> AsyncIterator[list[int]]:
    """A list that grows with the record: the candles of all auto signals."""
    times: list[int] = []

    async def read() -> None:
        async with bus.replay(catalogue.SIGNAL) as record:
            async for _, raised in record:
                if raised.mode is Mode.AUTO:
                    times.append(raised.candle_open_s)

    task = asyncio.ensure_future(read())
    try:
        yield times
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def expected_times(start: int) -> list[int]:
    strategy = build_strategy(TrendPullback, {})
    ends = range(start + 1, len(CANDLES) + 1)
    judged = {end: strategy.evaluate(View.of(CANDLES[end - 100 : end])).verdict(Mode.AUTO) for end in ends}
    return [CANDLES[end - 1].open_time_s for end, verdict in judged.items() if isinstance(verdict, Signal)]


async def test_kill_in_the_middle_changes_nothing_in_what_is_raised(nats: str) -> None:
    expected = expected_times(104)
    assert len(expected) > 5
    async with connect(nats, name="feed") as bus, auto_signals(bus) as raised:
        await enter(bus, CLOCK, FeedState.LIVE)
        await publish(bus, *(history(candle, CLOCK) for candle in CANDLES[:104]))
        async with process_on(nats, bus) as process:
            await publish(bus, *(told(candle, CLOCK) for candle in CANDLES[104:109]))
            await until(lambda: raised)
            process.kill()  # what it had in hand comes back after the broker's ack_wait
            await process.wait()
        await publish(bus, *(told(candle, CLOCK) for candle in CANDLES[109:112]))
        async with process_on(nats, bus) as process:
            await publish(bus, *(told(candle, CLOCK) for candle in CANDLES[112:]))

            with suppress(TimeoutError):
                await until(lambda: len(raised) == len(expected), deadline_s=BACK_AFTER_S)
            assert sorted(raised) == expected

            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_questions_are_answered_within_fifty_milliseconds(nats: str) -> None:
    async with connect(nats, name="positions") as bus:
        await enter(bus, CLOCK, FeedState.LIVE)
        await publish(bus, *(history(candle, CLOCK) for candle in CANDLES[:104]))
        async with process_on(nats, bus):
            await publish(bus, told(CANDLES[104], CLOCK))
            async with bus.replay(catalogue.SIGNAL) as record:
                await asyncio.wait_for(_first_signal(bus), 10)
                [(_, recorded)] = [await asyncio.wait_for(anext(record), 5)]
            took_s = []
            for _ in range(30):
                started = time.perf_counter()
                await bus.ask(catalogue.EVALUATE, NOW)
                took_s.append(time.perf_counter() - started)

            assert sorted(took_s)[15] < 0.05
            assert recorded.id == "s:XAUUSD:trend_pullback:manual:M1:6240"


async def _first_signal(bus: Bus) -> None:
    """Ask until the candle has been heard."""
    while (await bus.ask(catalogue.EVALUATE, NOW)).signal is None:  # another process
        await asyncio.sleep(0.02)
