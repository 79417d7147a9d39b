"""The room as a process, on a real broker and a real database."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chassis.bus import Bus
from chassis.database import apply_migrations
from chassis.errors import TransientError
from chassis.nats_bus import connect
from contracts import asks, catalogue, codec
from contracts.channels import Ask
from contracts.messages import ExitReason, PositionClosed, SendMessage
from tests.positions.builders import START_MS, a_delivery, a_feed, a_signal, a_tick
from tests.positions.house import DEADLINE_S, A, Q
from tests.postgres_server import Server

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.real


@asynccontextmanager
async def process(postgres: str, nats: str, **settings: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `python -m services.positions`; yields the process and the address of its health endpoints."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("SINYAL_")} | {
        "SINYAL_POSITIONS_DATABASE_URL": postgres, "SINYAL_NATS_URL": nats, "SINYAL_POSITIONS_ACCESS": "open",
        "SINYAL_POSITIONS_FEED_SILENCE_S": "600",
    } | settings  # fmt: skip
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.positions", cwd=ROOT, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child, await _address(child)
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def _address(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        async for line in child.stdout:
            if b"service.started" in line:
                port = re.search(rb'"port": (\d+)', line)
                assert port is not None
                return f"http://127.0.0.1:{port[1].decode()}"
    return ""


async def _until_ready(address: str) -> dict[str, Any]:
    """Wait until every check stands and is ready."""
    needed = {"bus", "database", "ticks", "positions"}
    return await _until(address, lambda checks: checks.keys() >= needed and all(c["ready"] for c in checks.values()))


async def _until(address: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask /readyz until its checks satisfy; each answer must come within ten seconds."""
    async with asyncio.timeout(DEADLINE_S), aiohttp.ClientSession() as client:
        while True:
            async with asyncio.timeout(10), client.get(f"{address}/readyz") as answer:
                checks: dict[str, Any] = (await answer.json())["checks"]
            if holds(checks):
                return checks
            await asyncio.sleep(0.1)


async def _ask(bus: Bus, question: Ask[Q, A], request: Q) -> A:
    """Ask until it is answered: the room gives up a question after two seconds, which a busy machine may take."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with suppress(TransientError):
                return await bus.ask(question, request, deadline_s=DEADLINE_S)
            await asyncio.sleep(0.05)


async def _register(bus: Bus, *people: int) -> None:
    for person in people:
        await _ask(bus, catalogue.REGISTER, asks.RegisterSubscriber(subscriber_id=person, chat_id=person, name="n"))


async def _until_live(bus: Bus, person: int) -> asks.Status:
    """Publish that the feed is live, and wait until whoever answers knows it: two copies do, after so many answers."""
    await bus.publish(catalogue.FEED, a_feed(), "XAUUSD")
    question = asks.GetStatus(subscriber_id=person, symbol="XAUUSD")
    async with asyncio.timeout(DEADLINE_S):
        while True:
            told = [await _ask(bus, catalogue.STATUS, question) for _ in range(12)]
            if all(one.feed == "LIVE" for one in told):
                return told[-1]
            await asyncio.sleep(0.05)


async def _take_send(bus: Bus) -> SendMessage:
    """Take the next message to a chat, as the telegram room would."""
    async with asyncio.timeout(60), bus.deliveries(catalogue.TELEGRAM_SENDS) as sends:
        async for delivery in sends:
            await delivery.ack()
            return codec.decode(delivery.message.body, SendMessage)
    raise AssertionError("the deliveries ended")


async def _first_closed(bus: Bus) -> PositionClosed:
    async with asyncio.timeout(60), bus.replay(catalogue.POSITION_CLOSED) as messages:
        async for _, message in messages:
            return message
    raise AssertionError("the replay ended")


async def test_a_position_lives_and_ends_and_the_process_stops_cleanly(postgres: str, nats: str) -> None:
    async with process(postgres, nats) as (child, address), connect(nats, name="telegram") as bus:
        ready = await _until_ready(address)
        await _register(bus, 1)
        await _ask(bus, catalogue.SET_AUTO, asks.SetAuto(subscriber_id=1, auto=True))
        status = await _until_live(bus, 1)
        await bus.publish(catalogue.TICK, a_tick(0, 3999.9), "XAUUSD")
        await bus.publish(catalogue.SIGNAL, a_signal(), "XAUUSD", "trend_pullback")
        message = await _take_send(bus)
        await bus.publish(catalogue.DELIVERY, a_delivery(message), "delivered", 1)
        await bus.publish(catalogue.TICK, a_tick(1000, 3997.9), "XAUUSD")
        closed = await _first_closed(bus)
        child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            code = await child.wait()

    assert ready["positions"]["live"] == 0
    assert status.feed == "LIVE"
    assert (closed.reason, closed.exit, closed.closed_ms) == (ExitReason.STOP, 3997.9, START_MS + 1000)
    assert code == 0


async def test_a_killed_process_leaves_its_work_to_the_next(postgres: str, nats: str) -> None:
    async with connect(nats, name="telegram") as bus:
        async with process(postgres, nats) as (child, address):
            await _until_ready(address)
            await _register(bus, 1)
            await _ask(bus, catalogue.SET_AUTO, asks.SetAuto(subscriber_id=1, auto=True))
            await _until_live(bus, 1)
            await bus.publish(catalogue.TICK, a_tick(0, 3999.9), "XAUUSD")
            await bus.publish(catalogue.SIGNAL, a_signal(), "XAUUSD", "trend_pullback")
            message = await _take_send(bus)
            child.kill()
        await bus.publish(catalogue.DELIVERY, a_delivery(message), "delivered", 1)
        await bus.publish(catalogue.TICK, a_tick(1000, 4003.1), "XAUUSD")
        await bus.publish(catalogue.TICK, a_tick(2000, 3900.0), "XAUUSD")
        async with process(postgres, nats):
            closed = await _first_closed(bus)
            history = await _ask(bus, catalogue.HISTORY, asks.GetHistory(subscriber_id=1))

    assert (closed.reason, closed.closed_ms, closed.detected_late) == (ExitReason.TARGET, START_MS + 1000, True)
    assert history.total == 1


def test_a_database_that_is_not_there_ends_the_process_with_one_line() -> None:
    env = {"PATH": os.environ["PATH"], "SINYAL_POSITIONS_DATABASE_URL": "postgresql://x:secret@127.0.0.1:1/n"}

    ended = subprocess.run(
        [sys.executable, "-m", "services.positions"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=env | {"SINYAL_POSITIONS_DATABASE_WAIT_S": "0.5"},
    )  # fmt: skip

    assert ended.returncode == 2
    assert ended.stderr.startswith("positions: SINYAL_POSITIONS_DATABASE_URL: ")
    assert (ended.stderr.count("\n"), "secret" in ended.stdout + ended.stderr) == (1, False)


async def test_a_frozen_database_delays_exits_but_nothing_else(own_postgres_server: Server, nats: str) -> None:
    url = own_postgres_server.cluster.url
    await apply_migrations(url)
    async with process(url, nats) as (_child, address), connect(nats, name="telegram") as bus:
        await _until_ready(address)
        await _register(bus, 1)
        await _ask(bus, catalogue.SET_AUTO, asks.SetAuto(subscriber_id=1, auto=True))
        await _until_live(bus, 1)
        await bus.publish(catalogue.TICK, a_tick(0, 3999.9), "XAUUSD")
        await bus.publish(catalogue.SIGNAL, a_signal(), "XAUUSD", "trend_pullback")
        await bus.publish(catalogue.DELIVERY, a_delivery(await _take_send(bus)), "delivered", 1)
        await _until(address, lambda checks: checks["positions"]["live"] == 1)
        with own_postgres_server.frozen():
            await bus.publish(catalogue.TICK, a_tick(1000, 3997.9), "XAUUSD")
            away = await _until(
                address, lambda checks: not checks["database"]["ready"] and any(_exits(checks).values())
            )
        closed = await _first_closed(bus)
        await _until(address, lambda checks: checks["database"]["ready"] and not any(_exits(checks).values()))

    assert (away["ticks"]["ready"], _exits(away)) == (True, {"XAUUSD": 1})
    assert (closed.exit, closed.closed_ms) == (3997.9, START_MS + 1000)


def _exits(checks: dict[str, Any]) -> dict[str, int]:
    exits: dict[str, int] = checks["positions"]["exits_to_store"]
    return exits
