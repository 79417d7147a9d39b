"""What a tick costs with many positions open: the level index beside the naive loop. And what a fan-out costs.

    python -m benchmarks.positions                       the index, no server needed
    python -m benchmarks.positions postgresql://...      also one signal to 1,000 and 10,000 people, and all their exits

The database must be empty and migrated; it is filled and left so.
"""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from chassis.bus import Stored
from chassis.clock import SystemClock
from chassis.database import Pool, open_pool
from chassis.memory_bus import MemoryBus
from contracts.messages import ExitReason, FeedState, FeedStateChanged, Interval, Mode, Side, SignalRaised
from services.positions.domain.exits import Price, crossed, exit_at
from services.positions.domain.instrument import find_instrument
from services.positions.domain.levels import Followed, LevelIndex
from services.positions.handlers.pending import Batch, PendingExit
from services.positions.handlers.tenure import CHUNK
from services.positions.settings import PositionsSettings
from services.positions.wiring import PositionsRoom

OPEN = (1_000, 10_000, 100_000)
NAIVE_TICKS = {1_000: 400, 10_000: 60, 100_000: 8}
INDEX_TICKS = 100_000


def walk(count: int) -> list[Price]:
    """A gold market of one-second ticks that wanders by 0.05 USD a step."""
    rng = random.Random(1)
    middle, prices = 4000.0, []
    for epoch_ms in range(1, count + 1):
        middle += rng.gauss(0, 0.05)
        bid = round(middle - 0.1, 2)
        prices.append(Price(epoch_ms, bid, round(bid + 0.2, 2)))
    return prices


def positions(count: int) -> list[Followed]:
    """Positions with stops of 2 to 40 USD and targets half as far again: some close on the way, most stay."""
    rng = random.Random(2)
    found = []
    for number in range(count):
        side = rng.choice(list(Side))
        risk = rng.uniform(2, 40)
        stop, target = round(4000 - side.sign * risk, 2), round(4000 + side.sign * risk * 1.5, 2)
        found.append(Followed(f"p{number}", side, stop, target, 0))
    return found


def time_index(many: Sequence[Followed], prices: Sequence[Price]) -> tuple[float, int]:
    """Microseconds per tick, closing included, and how many closed."""
    index = LevelIndex()
    for one in many:
        index.add(one)
    index.cross(Price(1, 3999.9, 4000.1))
    closed, started = 0, time.process_time()
    for price in prices:
        for crossing in index.cross(price):
            closed += len(crossing.position_ids)
    return (time.process_time() - started) / len(prices) * 1e6, closed


def time_naive(many: Sequence[Followed], prices: Sequence[Price]) -> float:
    """Microseconds per tick of looking at every position."""
    left = {one.position_id: one for one in many}
    started = time.process_time()
    for price in prices:
        gone = [i for i, one in left.items() if crossed(one.side, stop=one.stop, target=one.target, price=price)]
        for position_id in gone:
            del left[position_id]
    return (time.process_time() - started) / len(prices) * 1e6


def time_gap(count: int) -> float:
    """Milliseconds of one tick that closes everything, each position on a price of its own."""
    index = LevelIndex()
    for number in range(count):
        index.add(Followed(f"p{number}", Side.BUY, 3999.0 - number / 100, 5000.0 + number / 100, 0))
    index.cross(Price(1, 4000.0, 4000.2))
    started = time.perf_counter()
    index.cross(Price(2, 1.0, 1.2))
    return (time.perf_counter() - started) * 1000


def show_index() -> None:
    """Print the table of the index."""
    prices = walk(INDEX_TICKS)
    print(f"{'open':>8} {'index µs/tick':>14} {'closed':>8} {'naive µs/tick':>14} {'ratio':>8} {'gap ms':>8}")
    for count in OPEN:
        many = positions(count)
        index_us, closed = time_index(many, prices)
        naive_us = time_naive(many, prices[: NAIVE_TICKS[count]])
        row = f"{count:>8} {index_us:>14.2f} {closed:>8} {naive_us:>14.0f} {naive_us / index_us:>8.0f}"
        print(f"{row} {time_gap(count):>8.0f}")


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
        await connection.execute("update position set state = 'open', version = version + 1 where state = 'proposed'")
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


if __name__ == "__main__":
    show_index()
    if len(sys.argv) > 1:
        asyncio.run(show_fan_out(sys.argv[1]))
