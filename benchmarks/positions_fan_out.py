"""What one signal to many people costs, and the exits of all of them: the part of `benchmarks.positions` that needs a
database.
"""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal

from chassis.bus import Stored
from chassis.clock import SystemClock
from chassis.database import Pool, open_pool
from chassis.memory_bus import MemoryBus
from contracts.messages import ExitReason, FeedState, FeedStateChanged, Interval, Mode, Side, SignalRaised
from services.positions.domain.exits import Price, exit_at
from services.positions.domain.instrument import find_instrument
from services.positions.handlers.pending import Batch, PendingExit
from services.positions.handlers.tenure import CHUNK
from services.positions.settings import PositionsSettings
from services.positions.wiring import PositionsRoom


def a_signal(number: int) -> SignalRaised:
    """A signal of now."""
    return SignalRaised(
        id=f"s:{number}", at=datetime.now(UTC), symbol="XAUUSD", interval=Interval.M1, strategy="bench",
        strategy_version="1", mode=Mode.AUTO, side=Side.BUY, entry=4000.0, stop=3998.0, targets=(4003.0,), rr=1.5,
        strength=0.5, score=6, reasons=("reason.trf_with.buy",), lots=Decimal("0.01"), candle_open_s=60 * number,
        bid=3999.9, ask=4000.1, quote_ms=3_600_000 * number,
    )  # fmt: skip


async def show_fan_out(url: str) -> None:
    """Print what one signal to many and the exits of all of them cost."""
    async with open_pool(url, name="bench", setting="the database", schema="positions") as pool:
        room = PositionsRoom(
            MemoryBus(SystemClock()), pool, SystemClock(), PositionsSettings(database_url=url, access="open")
        )
        for number, count in enumerate((1_000, 10_000), start=1):
            await fill(pool, count)
            print(f"one signal to {count}: {await time_signal(room, number):.2f} s", end=", ")
            print(f"longest hold-up of the loop {await hold_up(room, number + 10):.0f} ms")
            await exit_all(room, pool, count)


async def fill(pool: Pool, count: int) -> None:
    """Make people, and forget what they had."""
    async with pool.connection() as connection:
        await connection.execute("truncate subscriber, signal, position, refusal, outbox, inbox cascade")
        await connection.execute(
            "insert into subscriber (id, chat_id, name, language, time_zone, auto)"
            " select n, n, 'n', 'id', 'Asia/Jakarta', true from generate_series(1, %s) n",
            [count],
        )
        await connection.execute("analyze")


async def time_signal(room: PositionsRoom, number: int) -> float:
    """Seconds of one fan-out."""
    room.market.learn_feed(
        FeedStateChanged(
            id="f",
            at=datetime.now(UTC),
            symbol="XAUUSD",
            venue="bench",
            state=FeedState.LIVE,
            reason="",
            since_ms=0,
        )
    )
    stored = Stored("signal.v1", b"", {}, number, datetime.now(UTC))
    started = time.perf_counter()
    await room.proposing.on_signal(a_signal(number), stored)
    return time.perf_counter() - started


async def hold_up(room: PositionsRoom, number: int) -> float:
    """Milliseconds that the loop was held up at worst while a signal is refused to everybody who has a position."""
    worst, last = 0.0, time.perf_counter()
    task = asyncio.ensure_future(time_signal(room, number))
    while not task.done():
        await asyncio.sleep(0)
        worst, last = max(worst, time.perf_counter() - last), time.perf_counter()
    await task
    return worst * 1000


async def exit_all(room: PositionsRoom, pool: Pool, count: int) -> None:
    """Store the exits of everybody, a chunk at a time."""

    async with pool.connection() as connection:
        await connection.execute(
            "update position set state = 'open', version = version + 1, delivery_state = 'delivered', opened_at = now()"
            " where state = 'proposed'"
        )
        rows = await (await connection.execute("select id, stop from position where state = 'open'")).fetchall()
    gold, price = find_instrument("XAUUSD"), Price(9_000_000, 3990.0, 3990.2)

    exits = [
        PendingExit(row[0], exit_at(
            gold, Side.BUY, reason=ExitReason.STOP, level=row[1], price=price, detected_late=False
        ), "", 0)
        for row in rows
    ]  # fmt: skip
    started, worst = time.perf_counter(), 0.0
    for first in range(0, len(exits), CHUNK):
        begun = time.perf_counter()
        await room.ending.store("XAUUSD", 0, Batch(exits[first : first + CHUNK], [], [], None))
        worst = max(worst, time.perf_counter() - begun)
    print(f"exits of {count}: {time.perf_counter() - started:.2f} s, slowest chunk of {CHUNK}: {worst * 1000:.0f} ms")
