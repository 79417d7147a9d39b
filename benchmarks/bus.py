"""Publish and consume: ours beside stock nats-py, on one server, interleaved in one run.

    python -m benchmarks.bus [--messages 5000] [--rounds 5]

Prints the median of all rounds: messages a second by the wall, and microseconds of this process's CPU a message. On a
shared machine compare the CPU columns: the wall tells who else was at work.
"""

import argparse
import asyncio
import io
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import nats
from nats.js import JetStreamContext

from chassis import log, streams
from chassis.bus import Bus, Outgoing
from chassis.clock import SystemClock
from chassis.consume import consume
from chassis.nats_bus import NatsBus, connect
from contracts import catalogue, codec
from contracts.channels import Consumer
from contracts.messages import Tick
from tests.nats_server import NatsServer, running_server

CONSUMER = Consumer("bench", "TICKS", (catalogue.TICK.stored,), "bench", in_flight=1000)
SUBJECT = catalogue.TICK.subject("GOLD")

Case = Callable[["Bench"], Awaitable[None]]


class Bench:
    """What each case is given: both clients, and how many messages."""

    def __init__(self, bus: NatsBus, stock: JetStreamContext, count: int) -> None:
        self.bus = bus
        self.stock = stock
        self.count = count
        self._serial = 0

    def tick(self) -> Tick:
        """A tick that was never stored."""
        self._serial += 1
        return Tick(
            id=f"t:{self._serial}:{time.time_ns()}", at=datetime.now(UTC), symbol="GOLD", epoch_ms=self._serial,
            bid=1.0, ask=2.0,
        )  # fmt: skip

    def outgoing(self, subject: str = SUBJECT) -> Outgoing:
        """The same, ready for the wire."""
        tick = self.tick()
        return Outgoing(subject, codec.encode(tick), tick.id)


async def publish_one_by_one(bench: Bench) -> None:
    """Ours, each awaited."""
    for _ in range(bench.count // 5):
        await bench.bus.publish(catalogue.TICK, bench.tick(), "GOLD")


async def stock_one_by_one(bench: Bench) -> None:
    """Stock `js.publish`, each awaited."""
    for _ in range(bench.count // 5):
        tick = bench.tick()
        await bench.stock.publish(SUBJECT, codec.encode(tick), headers={"Nats-Msg-Id": tick.id})


async def publish_many(bench: Bench) -> None:
    """Ours, from 500 coroutines."""

    async def work(count: int) -> None:
        for _ in range(count):
            await bench.bus.publish(catalogue.TICK, bench.tick(), "GOLD")

    await asyncio.gather(*(work(bench.count // 500) for _ in range(500)))


async def stock_publish_async(bench: Bench) -> None:
    """Stock `publish_async`, 500 in flight."""
    for _ in range(bench.count):
        tick = bench.tick()
        await bench.stock.publish_async(SUBJECT, codec.encode(tick), headers={"Nats-Msg-Id": tick.id})
    await bench.stock.publish_async_completed()


async def publish_atomic(bench: Bench) -> None:
    """Ours, atomic batches of 250, as the outbox relay does."""
    for start in range(0, bench.count, 250):
        chat = start
        await bench.bus.publish_batch([bench.outgoing(catalogue.SEND.subject("reply", chat)) for _ in range(250)])


async def consume_ours(bench: Bench) -> None:
    """Ours: continuous pull and ack."""
    async with bench.bus.deliveries(CONSUMER) as deliveries:
        for _ in range(bench.count):
            await (await anext(deliveries)).ack()
        await bench.bus.link.sync()


async def consume_loop(bench: Bench) -> None:
    """The whole loop: decode, handler, settle, log, metrics."""
    done = asyncio.Event()
    handled = 0

    async def handle(_tick: Tick, _stored: object) -> None:
        nonlocal handled
        handled += 1
        if handled == bench.count:
            done.set()

    bus: Bus = bench.bus
    task = asyncio.ensure_future(consume(bus, CONSUMER, {catalogue.TICK: handle}, clock=SystemClock()))
    await done.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})


async def stock_fetch(bench: Bench) -> None:
    """Stock `fetch(100)` and ack."""
    subscription = await bench.stock.pull_subscribe_bind("bench", "TICKS")
    left = bench.count
    while left:
        for message in await subscription.fetch(min(100, left), timeout=5):
            await message.ack()
            left -= 1
    await subscription.unsubscribe()


PUBLISH: dict[str, Case] = {
    "publish, one by one: ours": publish_one_by_one,
    "publish, one by one: js.publish": stock_one_by_one,
    "publish, 500 at once: ours": publish_many,
    "publish, 500 at once: publish_async": stock_publish_async,
    "publish, atomic batches: ours": publish_atomic,
}
CONSUME: dict[str, Case] = {
    "consume + ack: ours": consume_ours,
    "consume + ack: fetch(100)": stock_fetch,
    "consume(), decode to metrics: ours": consume_loop,
}


async def measure(server: NatsServer, count: int, rounds: int) -> None:
    """Run all cases in turn, `rounds` times, and print the medians."""
    results: dict[str, list[tuple[float, float]]] = {}
    plain = await nats.connect(server.url)
    async with connect(server.url, name="bench") as bus:
        await streams.apply(bus, streams=(), consumers=(CONSUMER,), buckets=())
        bench = Bench(bus, plain.jetstream(publish_async_max_pending=500), count)
        for _ in range(rounds):
            for name, case in PUBLISH.items():
                share = 5 if "one by one" in name else 1
                results.setdefault(name, []).append(await _timed(case, bench, count // share))
            for name, case in CONSUME.items():
                await _refill(bus, bench)
                results.setdefault(name, []).append(await _timed(case, bench, count))
    await plain.close()
    print(f"{'case':40} {'messages/s':>12} {'CPU us/message':>15}")
    for name, runs in results.items():
        rate, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{name:40} {rate:12,.0f} {cpu:15.1f}")


async def _refill(bus: NatsBus, bench: Bench) -> None:
    """Leave exactly `count` messages for the consumer."""
    await bus.link.call("STREAM.PURGE.TICKS")
    await bus.link.call("CONSUMER.DELETE.TICKS.bench")
    await streams.apply(bus, streams=(), consumers=(replace(CONSUMER),), buckets=())
    await publish_many(bench)


async def _timed(case: Case, bench: Bench, count: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    await case(bench)
    return count / (time.perf_counter() - wall), (time.process_time() - cpu) / count * 1e6


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with running_server() as server:
        asyncio.run(server.apply())
        log.configure("bench", "INFO", io.StringIO())
        asyncio.run(measure(server, arguments.messages, arguments.rounds))


if __name__ == "__main__":
    main()
