"""The part of `benchmarks.positions` that needs a broker and a database: it runs its own."""

import asyncio
import logging
import os
import resource
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import structlog

from chassis.bus import Stored
from chassis.clock import SystemClock
from chassis.database import Pool, open_pool
from chassis.lifecycle import calm_collector
from chassis.memory_bus import MemoryBus
from chassis.nats_bus import NatsBus, connect
from contracts import asks, catalogue, ids
from contracts.messages import FeedState, FeedStateChanged, Interval, Mode, PositionClosed, Side, SignalRaised, Tick
from services.positions.settings import PositionsSettings
from services.positions.wiring import PositionsRoom
from tests.nats_server import running_server
from tests.postgres_server import TEMPLATE, running_cluster

CROWDS = {1_000: 5.0, 10_000: 1.0, 100_000: 10.0}
"""How many get a signal, and within how many seconds."""
LONGEST_ANSWER_MS = 200.0
OUTSIDERS = 50
"""People who get no signal, and ask meanwhile."""
BETWEEN_QUESTIONS_S = 0.05
OPEN = 10_000
ONE_BY_ONE = 300
LONGEST_EXIT_MS = 100.0
REBUILT = 100_000

_FORGET = "truncate subscriber, signal, position, position_event, refusal, progress, pause, outbox, inbox cascade"
_PEOPLE = """
    insert into subscriber (id, chat_id, name, language, time_zone, auto)
    select n, n, 'n', 'id', 'Asia/Jakarta', true from generate_series(1, %s) n
"""
_OUTSIDERS = """
    insert into subscriber (id, chat_id, name, language, time_zone, auto)
    select 1000000 + n, n, 'n', 'id', 'Asia/Jakarta', false from generate_series(1, %s) n
"""
_SIGNAL = """
    insert into signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets, rr,
        strength, reasons, candle_open_s, quote_ms, raised_at)
    values ('s:open', 'XAUUSD', 'bench', '1', 'M1', 'auto', 'BUY', 4000, 3998, '{5000}', 1.5, 0.4, '{}', 0, 0, now())
"""
_OPEN = """
    insert into position (id, subscriber_id, signal_id, symbol, side, mode, state, entry, initial_stop, stop, targets,
        lots, quote_ms, in_force_ms, proposed_at, expires_at, opened_at, version, plan,
        delivery_state)
    select 'p:' || n, n, 's:open', 'XAUUSD', 'BUY', 'auto', 'open', 4000, 3999 - n / 100.0, 3999 - n / 100.0, '{5000}',
        0.01, 0, 0, now(), now(), now(), 2, case n %% 2 when 0 then 'single' else 'single+trailing' end, 'delivered'
    from generate_series(1, %s) n
"""
"""Each has a stop of its own, a cent below the one before; half of them would trail."""


def show_live() -> list[str]:
    """Print what the room costs; returns which promises are broken."""
    calm_collector()  # as a service does
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with running_cluster() as cluster, running_server() as server:
        url = cluster.url_of(TEMPLATE)
        asyncio.run(server.apply())
        return asyncio.run(_show_all(url, server.url))


async def _show_all(url: str, nats_url: str) -> list[str]:
    async with (
        open_pool(url, name="bench", setting="the database", schema="positions") as pool,
        connect(nats_url, name="bench") as bus,
        connect(nats_url, name="others") as others,
    ):
        wrong = [one for count in CROWDS for one in await show_fan_out(url, pool, count)]
        wrong += await show_exits(url, pool, bus, others)
        await show_rebuilding(url, pool, bus)
    return wrong


def a_room(url: str, pool: Pool, bus: NatsBus | MemoryBus) -> PositionsRoom:
    """The room, which does not run yet."""
    return PositionsRoom(
        bus, pool, SystemClock(), PositionsSettings.model_validate({"database_url": url, "access": "open"})
    )


async def do(pool: Pool, *statements: str, count: int = 0) -> None:
    """Run statements; `count` is their parameter where they have one."""
    async with pool.connection() as connection:
        for statement in statements:
            await connection.execute(statement.encode(), [count] if "%s" in statement else None)
    async with pool.connection() as connection:
        await connection.set_autocommit(True)
        await connection.execute("vacuum analyze")
        await connection.set_autocommit(False)


# --- one signal to many -----------------------------------------------------------------------------------------------


async def show_fan_out(url: str, pool: Pool, count: int) -> list[str]:
    """Print what one signal to many costs, and what those who ask meanwhile wait."""
    await do(pool, _FORGET, _PEOPLE, count=count)
    await do(pool, _OUTSIDERS, count=OUTSIDERS)
    room = a_room(url, pool, MemoryBus(SystemClock()))
    room.market.learn_feed(a_feed())
    before_kib, before_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, await cpu_s(pool)
    seconds, answers_ms = await with_questions(room, lambda: hand_out(room))
    ours_s, theirs_s = (after - before for after, before in zip(await cpu_s(pool), before_s, strict=True))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    await require(pool, "select count(*) from position", count)
    worst_ms = max(answers_ms)
    print(
        f"one signal to {count:>6}: {seconds:5.2f} s (CPU: ours {ours_s:.2f}, the database's {theirs_s:.2f}),"
        f" {len(answers_ms)} questions meanwhile: p50 {statistics.median(answers_ms):.0f}, worst {worst_ms:.0f} ms;"
        f" memory +{grown_kib / 1024:.0f} MiB"
    )
    late = [f"one signal to {count}: {seconds:.1f} s, not {CROWDS[count]:.0f}"] if seconds > CROWDS[count] else []
    slow = [f"an answer during a signal to {count}: {worst_ms:.0f} ms"] if worst_ms > LONGEST_ANSWER_MS else []
    return late + slow


async def cpu_s(pool: Pool) -> tuple[float, float]:
    """CPU seconds of this process so far, and of the database's that work for it."""
    async with pool.connection() as connection:
        rows = await connection.execute("select pid from pg_stat_activity where application_name = 'sinyal-bench'")
        pids = [row[0] for row in await rows.fetchall()]
    return time.process_time(), sum(map(_process_cpu_s, pids))


def _process_cpu_s(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def hand_out(room: PositionsRoom) -> float:
    """Seconds of one fan-out."""
    stored = Stored("signal.v1", b"", {}, 1, datetime.now(UTC))
    started = time.perf_counter()
    await room.proposing.on_signal(a_signal(), stored)
    return time.perf_counter() - started


async def with_questions(room: PositionsRoom, work: Callable[[], Awaitable[float]]) -> tuple[float, list[float]]:
    """Do something while outsiders ask one after the other; returns what it took, and each answer's milliseconds."""
    task, answers_ms, number = asyncio.ensure_future(work()), [], 0
    while not task.done():
        number += 1
        started = time.perf_counter()
        await ask(room, 1_000_000 + 1 + number % OUTSIDERS, number)
        answers_ms.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(BETWEEN_QUESTIONS_S)
    return await task, answers_ms


async def ask(room: PositionsRoom, person: int, number: int) -> None:
    """Ask or change something, in turn."""
    match number % 3:
        case 0:
            await room.answers.status(asks.GetStatus(subscriber_id=person, symbol="XAUUSD"))
        case 1:
            await room.people.set_language(asks.SetLanguage(subscriber_id=person, language="en"))
        case _:
            await room.answers.history(asks.GetHistory(subscriber_id=person))


async def require(pool: Pool, query: str, expected: int) -> None:
    """Hold the benchmark to its own result."""
    async with pool.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    assert row == (expected,), f"{query}: {row}, not {expected}"


# --- from a tick to the exit ------------------------------------------------------------------------------------------


@asynccontextmanager
async def running(room: PositionsRoom) -> AsyncIterator[float]:
    """Run a room; yields after how many seconds it followed the ticks."""
    started = time.perf_counter()
    task = asyncio.ensure_future(room.run())
    try:
        while room.following[0].follower is None and not task.done():  # noqa: ASYNC110  # nothing rings when it begins
            await asyncio.sleep(0.005)
        yield time.perf_counter() - started
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def show_exits(url: str, pool: Pool, bus: NatsBus, others: NatsBus) -> list[str]:
    """Print how long it takes from a tick to the exit event that it causes, through the broker and the database."""
    await do(pool, _FORGET, _SIGNAL, _PEOPLE, _OPEN, count=OPEN)
    async with running(a_room(url, pool, bus)), others.replay(catalogue.POSITION_CLOSED) as events:
        closed = aiter(events)
        took_ms = [await time_exit(others, closed, number) for number in range(1, ONE_BY_ONE + 1)]
        started = time.perf_counter()
        await others.publish(catalogue.TICK, a_tick(ONE_BY_ONE + 1, 3000.0), "XAUUSD")
        first_s = 0.0
        for _ in range(OPEN - ONE_BY_ONE):
            await anext(closed)
            first_s = first_s or time.perf_counter() - started
        last_s = time.perf_counter() - started
    p50, p99 = statistics.median(took_ms), statistics.quantiles(took_ms, n=100)[98]
    print(f"tick to exit event with {OPEN} open: p50 {p50:.1f} ms, p99 {p99:.1f} ms", end="; ")
    print(f"a tick that closes the other {OPEN - ONE_BY_ONE}: first {first_s:.2f} s, last {last_s:.2f} s")
    return [f"tick to exit event: p99 {p99:.0f} ms"] if p99 > LONGEST_EXIT_MS else []


async def time_exit(others: NatsBus, closed: AsyncIterator[tuple[Stored, PositionClosed]], number: int) -> float:
    """Milliseconds from publishing the tick that crosses the next stop to hearing of its exit."""
    started = time.perf_counter()
    await others.publish(catalogue.TICK, a_tick(number, round(3999 - number / 100, 2)), "XAUUSD")
    _, event = await anext(closed)
    assert event.position_id == f"p:{number}", f"{event.position_id} closed, not p:{number}"
    return (time.perf_counter() - started) * 1000


async def show_rebuilding(url: str, pool: Pool, bus: NatsBus) -> None:
    """Print how long a start takes with many open positions."""
    await do(pool, _FORGET, _SIGNAL, _PEOPLE, _OPEN, count=REBUILT)
    room = a_room(url, pool, bus)
    async with running(room) as seconds:
        follower = room.following[0].follower
        assert follower is not None
        assert follower.open_count == REBUILT, f"{follower.open_count} followed"
    print(f"from the start to following {REBUILT} open positions: {seconds:.1f} s")


# --- what is published ------------------------------------------------------------------------------------------------


def a_signal() -> SignalRaised:
    """A signal of now."""
    return SignalRaised(
        id="s:bench", at=datetime.now(UTC), symbol="XAUUSD", interval=Interval.M1, strategy="bench",
        strategy_version="1", mode=Mode.AUTO, side=Side.BUY, entry=4000.0, stop=3998.0, targets=(4003.0,), rr=1.5,
        strength=0.5, score=6, reasons=("reason.trf_with.buy",), lots=Decimal("0.01"), candle_open_s=60,
        bid=3999.9, ask=4000.1, quote_ms=3_600_000,
    )  # fmt: skip


def a_feed() -> FeedStateChanged:
    """A feed that is live."""
    return FeedStateChanged(
        id="f", at=datetime.now(UTC), symbol="XAUUSD", venue="bench", state=FeedState.LIVE, reason="", since_ms=0
    )


def a_tick(epoch_ms: int, bid: float) -> Tick:
    """A tick of now."""
    ask = round(bid + 0.2, 2)
    return Tick(
        id=ids.tick_id("XAUUSD", epoch_ms, bid, ask), at=datetime.now(UTC), symbol="XAUUSD", epoch_ms=epoch_ms,
        bid=bid, ask=ask, received_ms=time.time_ns() // 1_000_000,
    )  # fmt: skip
