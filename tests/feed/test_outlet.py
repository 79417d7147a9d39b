"""The way out: order, patience with the broker, and what happens when patience ends."""

import asyncio
from contextlib import asynccontextmanager

from chassis.clock import SystemClock
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.messages import FeedState, Quote, Tick
from services.feed.handlers.outlet import QUOTES_EVERY_S, Outlet
from tests.feed.builders import NOON_MS, until


def a_tick(number: int) -> Tick:
    at = SystemClock().now()
    return Tick(id=f"t{number}", at=at, symbol="XAUUSD", epoch_ms=NOON_MS + number, bid=1.0, ask=1.1)


def a_price(number: int) -> Quote:
    at = SystemClock().now()
    return Quote(id="q", at=at, symbol="XAUUSD", epoch_ms=number, bid=1.0, ask=1.1, state=FeedState.LIVE)


@asynccontextmanager
async def speaking(outlet: Outlet):
    task = asyncio.ensure_future(outlet.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def told(bus: MemoryBus) -> list[int]:
    return [tick.epoch_ms - NOON_MS for tick in bus.said(catalogue.TICK)]


async def test_messages_are_published_in_the_order_they_were_said() -> None:
    bus = MemoryBus(SystemClock())
    outlet = Outlet(bus)
    async with speaking(outlet):
        for number in range(1000):
            outlet.put(catalogue.TICK, a_tick(number), "XAUUSD")
        await outlet.drained()

    assert told(bus) == list(range(1000))
    assert outlet.depth == 0


async def test_while_the_broker_is_away_messages_wait_and_then_leave_in_order() -> None:
    bus = MemoryBus(SystemClock())
    outlet = Outlet(bus)
    async with speaking(outlet):
        bus.cut()
        for number in range(300):
            outlet.put(catalogue.TICK, a_tick(number), "XAUUSD")
        await asyncio.sleep(0.05)
        outlet.put(catalogue.TICK, a_tick(300), "XAUUSD")
        assert outlet.depth == 301
        bus.mend()
        await outlet.drained()

    assert told(bus) == list(range(301))


async def test_a_full_queue_is_given_up_whole_and_nothing_is_taken_until_it_has_recovered() -> None:
    bus = MemoryBus(SystemClock())
    outlet = Outlet(bus, capacity=10)
    async with speaking(outlet):
        bus.cut()
        for number in range(12):
            outlet.put(catalogue.TICK, a_tick(number), "XAUUSD")
        assert outlet.is_lost
        assert outlet.depth == 0
        recovery = asyncio.ensure_future(outlet.recover())
        await asyncio.sleep(0.05)
        assert not recovery.done()
        bus.mend()
        await recovery
        outlet.put(catalogue.TICK, a_tick(99), "XAUUSD")
        await outlet.drained()

    assert told(bus)[-1] == 99
    assert set(told(bus)) <= {*range(10), 99}


async def test_only_the_newest_price_is_shown_and_at_most_ten_a_second() -> None:
    bus = MemoryBus(SystemClock())
    outlet = Outlet(bus)
    began_at = asyncio.get_running_loop().time()
    async with speaking(outlet):
        for number in range(500):
            outlet.show(a_price(number))
            await asyncio.sleep(0.001)
        await until(lambda: bus.said(catalogue.QUOTE)[-1].epoch_ms == 499)

    took_s = asyncio.get_running_loop().time() - began_at
    assert len(bus.said(catalogue.QUOTE)) <= took_s / QUOTES_EVERY_S + 2


async def test_prices_are_lost_without_a_word_while_the_broker_is_away() -> None:
    bus = MemoryBus(SystemClock())
    outlet = Outlet(bus)
    async with speaking(outlet):
        bus.cut()
        outlet.show(a_price(1))
        await asyncio.sleep(0.02)
        bus.mend()
        outlet.show(a_price(2))
        await until(lambda: bus.said(catalogue.QUOTE))

    assert [price.epoch_ms for price in bus.said(catalogue.QUOTE)] == [2]


class Forgetful(MemoryBus):
    """A broker that was killed and has lost its last messages."""

    lost = 0

    async def latest(self, topic, *tokens, count=1):
        found = await super().latest(topic, *tokens, count=count + self.lost)
        return found[: len(found) - self.lost][-count:]


async def test_what_a_killed_broker_lost_of_what_it_had_acknowledged_is_said_again_before_anything_new() -> None:
    bus = Forgetful(SystemClock())
    outlet = Outlet(bus)
    async with speaking(outlet):
        for number in range(10):
            outlet.put(catalogue.TICK, a_tick(number), "XAUUSD")
        await outlet.drained()
        bus.cut()
        bus.lost = 3
        repeated: list[str] = []
        publish_batch = bus.publish_batch

        async def watched(batch):
            await publish_batch(batch)
            repeated.extend(message.id for message in batch)

        bus.publish_batch = watched
        await until(lambda: outlet._was_away)
        bus.mend()
        outlet.put(catalogue.TICK, a_tick(10), "XAUUSD")
        await outlet.drained()

    assert repeated == ["t7", "t8", "t9", "t10"]


async def test_who_has_much_to_say_waits_while_the_queue_is_half_full() -> None:
    bus = MemoryBus(SystemClock())
    outlet = Outlet(bus, capacity=20)
    async with speaking(outlet):
        for number in range(500):
            outlet.put(catalogue.TICK, a_tick(number), "XAUUSD")
            await outlet.has_room()
        await outlet.drained()

    assert not outlet.is_lost
    assert told(bus) == list(range(500))
