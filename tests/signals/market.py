"""A small market for the room's tests: a bus, a clock, candles as the feed tells them, and a running room."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from chassis.bus import Bus
from chassis.clock import Clock, ManualClock
from chassis.memory_bus import MemoryBus
from contracts import catalogue, ids
from contracts.messages import CandleClosed, FeedState, FeedStateChanged, Interval, SignalRaised
from services.signals.domain.candle import Candle
from services.signals.settings import SignalsSettings
from services.signals.wiring import SignalsRoom

SYMBOL = "XAUUSD"


def told(candle: Candle, clock: Clock, *, age_s: float = 0.0, **changes: Any) -> CandleClosed:
    """The message in which the feed tells of a candle, by default live, just closed, with a quote 30 cents wide."""
    interval = changes.pop("interval", Interval.M1)
    symbol = changes.pop("symbol", SYMBOL)
    return CandleClosed(
        id=ids.candle_id(symbol, interval, candle.open_time_s),
        at=clock.now() - timedelta(seconds=age_s),
        symbol=symbol,
        interval=interval,
        open_time_s=candle.open_time_s,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=int(candle.volume),
        **{
            "bid": candle.close - 0.15,
            "ask": candle.close + 0.15,
            "quote_ms": (candle.open_time_s + interval.seconds) * 1000 - 500,
            **changes,
        },
    )


def history(candle: Candle, clock: Clock, **changes: Any) -> CandleClosed:
    """The same from the venue's history: backfilled, without a quote."""
    return told(candle, clock, backfilled=True, bid=None, ask=None, quote_ms=None, **changes)


async def publish(bus: Bus, *messages: CandleClosed) -> None:
    for message in messages:
        await bus.publish(catalogue.CANDLE, message, message.symbol, message.interval)


async def enter(bus: Bus, clock: Clock, state: FeedState, *, symbol: str = SYMBOL) -> None:
    change = FeedStateChanged(
        id=f"f:{symbol}:{state}:{clock.now().timestamp()}",
        at=clock.now(),
        symbol=symbol,
        venue="test",
        state=state,
        reason="test",
        since_ms=0,
    )
    await bus.publish(catalogue.FEED, change, symbol)


@asynccontextmanager
async def room_on(bus: Bus, clock: Clock, **settings: Any) -> AsyncIterator[SignalsRoom]:
    """A room that serves while the context is open and is cut off at its end, as a process would be."""
    room = SignalsRoom(bus, clock, SignalsSettings(**settings))
    ready = asyncio.Event()
    task = asyncio.ensure_future(room.run(ready))
    waiter = asyncio.ensure_future(ready.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert ready.is_set(), task.exception() if task.done() else "the room did not get ready"
        yield room
    finally:
        waiter.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object], *, deadline_s: float = 60.0) -> None:
    """Wait for a condition that no event announces."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # the room under test announces nothing
            await asyncio.sleep(0.001)


async def handled(bus: MemoryBus) -> None:
    """Wait until no candle is waiting for the room."""
    await until(lambda: not bus.waiting(catalogue.SIGNALS_CANDLES))


def without_delivery(signals: Sequence[SignalRaised]) -> list[dict[str, Any]]:
    """The signals without what differs from one telling to the next."""
    fields = (name for name in SignalRaised.__struct_fields__ if name not in ("at", "trace"))
    names = list(fields)
    return [{name: getattr(signal, name) for name in names} for signal in signals]


@asynccontextmanager
async def open_market(
    candles: Sequence[Candle], **settings: Any
) -> AsyncIterator[tuple[MemoryBus, ManualClock, SignalsRoom]]:
    """A live feed with `candles` of history behind it, and a room that has read them."""
    clock = ManualClock()
    bus = MemoryBus(clock)
    await enter(bus, clock, FeedState.LIVE)
    await publish(bus, *(history(candle, clock) for candle in candles))
    async with room_on(bus, clock, **settings) as room:
        await handled(bus)
        yield bus, clock, room
