"""The room as a process on a real broker: killed in the middle, started again, stopped by a signal."""

import asyncio
import json
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
from contracts import asks, catalogue, ids
from contracts.messages import FeedState, Interval, Mode
from services.signals.adapters.strategy_catalogue import open_shelf
from services.signals.domain.columns import columns_of
from services.signals.domain.opinion import Signal
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.domain.view import View
from tests.shared import ROOT
from tests.signals.builders import golden_series, market_with_breaks
from tests.signals.market import SYMBOL, enter, history, publish, told, until

pytestmark = pytest.mark.real

CANDLES = golden_series(116)
CLOCK = SystemClock()
BACK_AFTER_S = catalogue.SIGNALS_CANDLES.ack_wait_s + 15  # what a killed copy had in hand is handed on by then
NOW = asks.EvaluateNow(symbol=SYMBOL)


@asynccontextmanager
async def process_on(url: str, bus: Bus, **settings: str) -> AsyncIterator[Process]:
    """A room of its own process that answers; killed at the end where it still runs."""
    told = {f"SINYAL_SIGNALS_{name.upper()}": value for name, value in settings.items()}
    environment = {**os.environ, "SINYAL_NATS_URL": url, "PYTHONPATH": str(ROOT), **told}
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
    async with asyncio.timeout(60):
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
            assert await asyncio.wait_for(process.wait(), 60) == 0


MANY: dict[str, dict[str, float]] = {
    "ema_cross:M1": {"fast": 5, "slow": 30},
    "breakout:M1": {"channel": 10, "keltner_ranges": 1.0, "adx_least": 0.0},
    "range_reversion:M5": {"deviations": 1.0, "adx_most": 40.0, "rsi_low": 45.0, "rr_least": 0.25},
}
MARKETS = {
    Interval.M1: market_with_breaks(seed=11, count=3_040),
    Interval.M5: market_with_breaks(seed=12, count=640, interval_s=300),
}
LIVE = 40  # candles of each interval that are told live, after all before them as history


def expected_of_many() -> list[str]:
    """The ids of the signals of every strategy, run as a backtest runs it."""
    shelf, found = open_shelf(ROOT / "none"), []
    for label, parameters in MANY.items():
        strategy = shelf.build(label, parameters)
        rows = MARKETS[strategy.interval]
        for place, _ in StrategyRun(strategy).signals(columns_of(rows), len(rows) - LIVE):
            opened_s = rows[place].open_time_s
            found.append(ids.signal_id(SYMBOL, strategy.name, Mode.AUTO, strategy.interval, opened_s))
    return sorted(found)


async def test_many_strategies_on_several_intervals_survive_a_kill_as_if_it_had_not_been(nats: str) -> None:
    expected = expected_of_many()
    assert {one.split(":")[2] for one in expected} == {"ema_cross", "breakout", "range_reversion"}
    settings = {"strategies": ",".join(MANY), "parameters": json.dumps(MANY)}
    async with connect(nats, name="feed") as bus, all_signals(bus) as raised:
        await enter(bus, CLOCK, FeedState.LIVE)
        for interval, rows in MARKETS.items():
            await publish(bus, *(history(candle, CLOCK, interval=interval) for candle in rows[:-LIVE]))
        for portion in (slice(-LIVE, -25), slice(-25, -10), slice(-10, None)):
            async with process_on(nats, bus, **settings) as process:
                for interval, rows in MARKETS.items():
                    await publish(bus, *(told(candle, CLOCK, interval=interval) for candle in rows[portion]))
                await have_come(raised, reached(expected, portion))
                process.kill()
                await process.wait()

    assert sorted(raised) == expected


async def have_come(raised: list[str], due: set[str]) -> None:
    await until(lambda: due <= set(raised))


def reached(expected: list[str], portion: slice) -> set[str]:
    """Return the ids that are due once `portion` and all before it have been told."""
    ends = {interval: rows[portion][-1].open_time_s for interval, rows in MARKETS.items()}
    return {one for one in expected if int(one.rsplit(":", 1)[1]) <= ends[Interval(one.split(":")[4])]}


@asynccontextmanager
async def all_signals(bus: Bus) -> AsyncIterator[list[str]]:
    """A list that grows with the record: the ids of all signals."""
    found: list[str] = []

    async def read() -> None:
        async with bus.replay(catalogue.SIGNAL) as record:
            async for _, raised in record:
                found.append(raised.id)

    task = asyncio.ensure_future(read())
    try:
        yield found
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_questions_are_answered_within_fifty_milliseconds(nats: str) -> None:
    async with connect(nats, name="positions") as bus:
        await enter(bus, CLOCK, FeedState.LIVE)
        await publish(bus, *(history(candle, CLOCK) for candle in CANDLES[:104]))
        async with process_on(nats, bus):
            await publish(bus, told(CANDLES[104], CLOCK))
            async with bus.replay(catalogue.SIGNAL) as record:
                await asyncio.wait_for(_first_signal(bus), 60)
                [(_, recorded)] = [await asyncio.wait_for(anext(record), 60)]
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
