"""The room as processes on a real broker with a real browser: drawing, competing, stopping in the middle."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from chassis.bus import Bus
from chassis.clock import SystemClock
from chassis.nats_bus import connect
from contracts import catalogue
from contracts.asks import GetSeries, Series
from contracts.messages import DrawChart, Interval
from tests.charts.browsers import has_chrome_left, until
from tests.charts.builders import levels, series, wave
from tests.shared import ROOT

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

SHOWN = series(wave(220))
CLOCK = SystemClock()
PATIENT = {"SINYAL_CHARTS_RENDER_LIMIT_S": "60", "SINYAL_CHARTS_OPEN_LIMIT_S": "100"}
"""What is counted here is how often, not how fast: a busy machine must not make the room draw a picture again."""


def wish(key: str) -> DrawChart:
    return DrawChart(
        id=f"draw:{key}",
        at=CLOCK.now(),
        key=key,
        symbol="XAUUSD",
        interval=Interval.M1,
        until_s=SHOWN.open_time_s[-1],
        language="id",
        time_zone="Asia/Jakarta",
        levels=levels(SHOWN.close[-1]),
        expires_at=CLOCK.now() + timedelta(seconds=110),
    )


class Signals:
    """Answers for the series; counts, and holds answers while `gate` is closed."""

    def __init__(self) -> None:
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def series(self, _: GetSeries) -> Series:
        self.asked += 1
        self.was_asked.set()
        await self.gate.wait()
        return SHOWN


@asynccontextmanager
async def service(url: str, root: Path, **more: str) -> AsyncIterator[Process]:
    """A room of its own process ; stopped at the end where it still runs."""
    told = {"SINYAL_NATS_URL": url, "SINYAL_CHARTS_TEMP_FOLDER": str(root), "SINYAL_CHARTS_BROWSER_SANDBOX": "off"}
    told |= PATIENT
    environment = {**os.environ, **told, **more, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.charts", cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 60)


async def open_browser(process: Process) -> None:
    """Read the log until the browser is open."""
    async with asyncio.timeout(60):
        while line := await process.stdout.readline():
            if b'"browser.opened"' in line:
                return
    pytest.fail(f"the room ended: {(await process.stderr.read()).decode()}")


def told_drawn(log: bytes) -> list[str]:
    """The keys of the pictures that a log tells were drawn."""
    lines = (json.loads(line) for line in log.splitlines() if b'"chart.drawn"' in line)
    return [line["key"] for line in lines]


async def drawn(bus: Bus, key: str) -> bytes:
    """Wait for a picture in the store."""
    async with asyncio.timeout(60):
        while True:
            if png := await bus.get(catalogue.CHART_PICTURES, key):
                return png
            await asyncio.sleep(0.05)


@asynccontextmanager
async def broker(url: str, signals: Signals) -> AsyncIterator[Bus]:
    async with connect(url, name="test") as bus, bus.answer(catalogue.SERIES, signals.series):
        yield bus


async def test_two_copies_draw_each_key_once_and_stop_without_a_trace(nats, root):
    signals = Signals()
    keys = [f"{number:032x}" for number in range(10)]

    async with (
        broker(nats, signals) as bus,
        bus.listen(catalogue.DRAWN) as told,
        service(nats, root) as one,
        service(nats, root) as other,
    ):
        await open_browser(one)
        await open_browser(other)
        logs = [asyncio.ensure_future(process.stdout.read()) for process in (one, other)]
        for key in keys * 2:
            await bus.publish(catalogue.CHART, wish(key), key)
        pictures = [await drawn(bus, key) for key in keys]
        first = await anext(told)
        for process in (one, other):
            process.send_signal(signal.SIGTERM)
        codes = [await asyncio.wait_for(process.wait(), 60) for process in (one, other)]
        said = b"".join(await asyncio.gather(*logs))

    assert all(png.startswith(b"\x89PNG") for png in pictures)
    assert first.key in keys
    assert sorted(told_drawn(said)) == keys
    assert codes == [0, 0]
    assert not has_chrome_left(root)
    assert list(root.iterdir()) == []


async def test_sigterm_in_the_middle_of_a_render_ends_within_the_grace_and_the_next_copy_draws_it(nats, root):
    signals = Signals()
    signals.gate.clear()

    async with broker(nats, signals) as bus, AsyncExitStack() as stack:
        first = await stack.enter_async_context(service(nats, root, SINYAL_CHARTS_FINISH_S="1"))
        await open_browser(first)
        await bus.publish(catalogue.CHART, wish("a" * 32), "a" * 32)
        await asyncio.wait_for(signals.was_asked.wait(), 60)

        began = time.monotonic()
        first.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(first.wait(), 60)
        took_s = time.monotonic() - began
        signals.gate.set()
        assert not has_chrome_left(root)
        assert list(root.iterdir()) == []

        second = await stack.enter_async_context(service(nats, root))
        await open_browser(second)
        png = await drawn(bus, "a" * 32)

    assert code == 0
    assert took_s < 8
    assert png.startswith(b"\x89PNG")


async def test_a_room_killed_leaves_a_browser_to_nobody(nats, root):
    async with broker(nats, Signals()) as bus, AsyncExitStack() as stack:
        first = await stack.enter_async_context(service(nats, root))
        await open_browser(first)
        first.kill()
        await first.wait()
        assert until(lambda: not has_chrome_left(root))
        left = list(root.iterdir())

        second = await stack.enter_async_context(service(nats, root))
        await open_browser(second)
        await bus.publish(catalogue.CHART, wish("b" * 32), "b" * 32)
        await drawn(bus, "b" * 32)

        assert len(left) == 1
        assert not left[0].exists()


async def test_a_browser_that_does_not_draw_stops_the_start_with_one_line(nats, root):
    program = root / "browser"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)

    async with service(nats, root, SINYAL_CHARTS_BROWSER=str(program)) as process:
        code = await asyncio.wait_for(process.wait(), 60)
        said = (await process.stderr.read()).decode()

    assert code == 2
    assert said.startswith("charts: SINYAL_CHARTS_BROWSER: ")
    assert len(said.strip().splitlines()) == 1
    assert list(root.iterdir()) == [program]
