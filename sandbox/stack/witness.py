"""What the rooms have said so far, read from the broker as they say it: ticks, candles, signals, trades."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from chassis.bus import Bus
from chassis.cancellation import background
from contracts import catalogue
from contracts.channels import Topic
from contracts.messages import (
    CandleClosed,
    Interval,
    Message,
    PositionClosed,
    PositionProposed,
    PositionReduced,
    PositionVoided,
    SignalRaised,
    Tick,
)

P = TypeVar("P", bound=Message)


@dataclass
class Witness:
    """Everything said about one symbol, in the order of each stream; `sequences` tells how far each was read."""

    symbol: str
    tick_count: int = 0
    last_tick_ms: int = -1
    sequences: dict[str, int] = field(default_factory=dict)
    first_candle_s: dict[Interval, int] = field(default_factory=dict)
    last_candle_s: dict[Interval, int] = field(default_factory=dict)
    signals: list[SignalRaised] = field(default_factory=list)
    proposed: list[PositionProposed] = field(default_factory=list)
    reduced: list[PositionReduced] = field(default_factory=list)
    closed: list[PositionClosed] = field(default_factory=list)
    voided: list[PositionVoided] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _failure: BaseException | None = None

    async def until(self, holds: Callable[[], bool], *, within_s: float) -> bool:
        """Wait until a condition on what was said holds; False when it did not in time.

        Raises what ended the reading.
        """
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    if self._failure is not None:
                        raise self._failure
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def hear_tick(self, tick: Tick) -> None:
        """Count a tick; one that was asked for afterwards is of the past and does not count."""
        if not tick.backfilled:
            self.tick_count += 1
            self.last_tick_ms = tick.epoch_ms

    def hear_candle(self, candle: CandleClosed) -> None:
        """Learn how far candles reach."""
        self.first_candle_s.setdefault(candle.interval, candle.open_time_s)
        self.last_candle_s[candle.interval] = candle.open_time_s

    def reach(self, stream: str, sequence: int) -> None:
        """Learn how far a stream was read, and wake who waits."""
        self.sequences[stream] = max(sequence, self.sequences.get(stream, 0))
        self._changed.set()

    def fail(self, error: BaseException) -> None:
        """Learn that the reading has ended."""
        self._failure = error
        self._changed.set()


@asynccontextmanager
async def witness(bus: Bus, symbol: str) -> AsyncIterator[Witness]:
    """Listen to all streams from their beginning while the context is open."""
    seen = Witness(symbol)
    async with background(_read_all(bus, seen), seen.fail):
        yield seen


async def _read_all(bus: Bus, seen: Witness) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_read(bus, catalogue.TICK, (seen.symbol,), seen.hear_tick, seen))
        for interval in Interval:
            group.create_task(_read(bus, catalogue.CANDLE, (seen.symbol, interval), seen.hear_candle, seen))
        group.create_task(_read(bus, catalogue.SIGNAL, (), seen.signals.append, seen))
        group.create_task(_read(bus, catalogue.POSITION_PROPOSED, (), seen.proposed.append, seen))
        group.create_task(_read(bus, catalogue.POSITION_REDUCED, (), seen.reduced.append, seen))
        group.create_task(_read(bus, catalogue.POSITION_CLOSED, (), seen.closed.append, seen))
        group.create_task(_read(bus, catalogue.POSITION_VOIDED, (), seen.voided.append, seen))


async def _read(
    bus: Bus, topic: Topic[P], tokens: tuple[object, ...], hear: Callable[[P], None], seen: Witness
) -> None:
    async with bus.replay(topic, tokens=tokens) as told:
        async for stored, message in told:
            hear(message)
            seen.reach(topic.stream or "", stored.sequence)
