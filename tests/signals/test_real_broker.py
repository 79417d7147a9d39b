"""The room as a process on a real broker: killed in the middle, started again, stopped by a signal."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
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
from tests.shared import ROOT
from tests.signals.builders import golden_series
from tests.signals.market import SYMBOL, enter, history, publish, told

pytestmark = pytest.mark.real

CANDLES = golden_series(116)
CLOCK = SystemClock()
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


async def recorded(bus: Bus) -> list[int]:
    """List the candles of all auto signals on the record."""
    signals = await bus.latest(catalogue.SIGNAL, SYMBOL, TrendPullback.name, count=100)
    return sorted(signal.candle_open_s for signal in signals if signal.mode is Mode.AUTO)


async def until(condition: Callable[[], Awaitable[object]], *, deadline_s: float) -> None:
    """Wait for what only asking can tell."""
    async with asyncio.timeout(deadline_s):
        while not await condition():  # noqa: ASYNC110  # another process announces nothing
            await asyncio.sleep(0.02)


def expected_times(start: int) -> list[int]:
    strategy = build_strategy(TrendPullback, {})
    ends = range(start + 1, len(CANDLES) + 1)
    judged = {end: strategy.evaluate(CANDLES[end - 100 : end]).verdict(Mode.AUTO) for end in ends}
    return [CANDLES[end - 1].open_time_s for end, verdict in judged.items() if isinstance(verdict, Signal)]


async def test_kill_in_the_middle_changes_nothing_in_what_is_raised(nats: str) -> None:
    expected = expected_times(104)
    assert len(expected) > 5
    async with connect(nats, name="feed") as bus:
        await enter(bus, CLOCK, FeedState.LIVE)
        await publish(bus, *(history(candle, CLOCK) for candle in CANDLES[:104]))
        async with process_on(nats, bus) as process:
            await publish(bus, *(told(candle, CLOCK) for candle in CANDLES[104:109]))
            await until(lambda: recorded(bus), deadline_s=10)
            process.kill()  # what it had in hand comes back after the broker's ack_wait
            await process.wait()
        await publish(bus, *(told(candle, CLOCK) for candle in CANDLES[109:112]))
        async with process_on(nats, bus) as process:
            await publish(bus, *(told(candle, CLOCK) for candle in CANDLES[112:]))

            with suppress(TimeoutError):
                await until(lambda: _is_recorded(bus, expected), deadline_s=catalogue.SIGNALS_CANDLES.ack_wait_s + 12)
            assert await recorded(bus) == expected

            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0


async def _is_recorded(bus: Bus, expected: list[int]) -> bool:
    return await recorded(bus) == expected


async def test_questions_are_answered_within_fifty_milliseconds(nats: str) -> None:
    async with connect(nats, name="positions") as bus:
        await enter(bus, CLOCK, FeedState.LIVE)
        await publish(bus, *(history(candle, CLOCK) for candle in CANDLES[:104]))
        async with process_on(nats, bus):
            await publish(bus, told(CANDLES[104], CLOCK))
            await until(lambda: _signal_now(bus), deadline_s=10)
            took_s = []
            for _ in range(30):
                started = time.perf_counter()
                await bus.ask(catalogue.EVALUATE, NOW)
                took_s.append(time.perf_counter() - started)

            assert sorted(took_s)[15] < 0.05
            [record] = await bus.latest(catalogue.SIGNAL, SYMBOL, TrendPullback.name, count=10)
            assert record.id == "s:XAUUSD:trend_pullback:manual:M1:6240"


async def _signal_now(bus: Bus) -> bool:
    return (await bus.ask(catalogue.EVALUATE, NOW)).signal is not None
