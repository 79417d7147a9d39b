"""A consumer in a process of its own, to be killed: takes what it gets and never settles it."""

import asyncio
import sys

from chassis.nats_bus import connect
from contracts import catalogue


async def main(url: str, consumer_name: str) -> None:
    """Print each sequence that is delivered."""
    consumer = next(consumer for consumer in catalogue.CONSUMERS if consumer.name == consumer_name)
    async with connect(url, name="worker", wait_s=60) as bus, bus.deliveries(consumer) as deliveries:
        async for delivery in deliveries:
            sys.stdout.write(f"{delivery.message.sequence}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
