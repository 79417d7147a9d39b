"""Puts the signals room together: the only file that knows every part."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.consume import consume
from chassis.errors import TransientError
from chassis.health import Check
from chassis.lifecycle import Stage
from chassis.nats_bus import connect
from contracts import catalogue
from services.signals.adapters.bus_archive import BusArchive
from services.signals.adapters.bus_record import BusRecord
from services.signals.adapters.csv_calendar import read_calendar
from services.signals.adapters.strategy_catalogue import load_strategies, open_shelf
from services.signals.domain.strategy import Strategy
from services.signals.handlers.answering import Answerer
from services.signals.handlers.memory import MarketMemory
from services.signals.handlers.raising import Policy, Raiser
from services.signals.settings import SignalsSettings

CHARTED = 120  # candles judged at start, so that the first chart does not wait for them
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0  # between two tries to read the past from a broker that does not answer

logger = structlog.get_logger()


class SignalsRoom:
    """The room on a bus that is open; `run` serves until it is cancelled."""

    def __init__(self, bus: Bus, clock: Clock, settings: SignalsSettings) -> None:
        """Build the parts. Raises StartError for a strategy or parameter that does not exist, or no calendar."""
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._is_warm = False
        self._shelf = open_shelf(settings.strategy_folder)
        metrics.BROKEN_STRATEGIES.set(len(self._shelf.broken))
        for broken in self._shelf.broken:
            logger.error("strategy.broken", error=str(broken))
        self._strategies: Sequence[Strategy[Any]] = load_strategies(
            settings.strategies, settings.parameters, self._shelf
        )
        calendar = read_calendar(settings.news) if settings.news else ()
        self.memory = MarketMemory(BusArchive(bus), candles_held=settings.candles_held, calendar=calendar)
        policy = Policy(
            fresh_s=settings.fresh_s,
            valid_for_s=settings.valid_for_s,
            price_digits=settings.price_digits,
            market_speed=settings.market_speed,
        )
        self._raiser = Raiser(self._strategies, self.memory, BusRecord(bus), clock=clock, policy=policy)
        self._answerer = Answerer(self.memory, self._raiser, self._strategies)

    def checks(self) -> dict[str, Callable[[], Check]]:
        """Return the readiness checks by name."""
        return {"bus": self._check_bus, "market": self._check_market}

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Read the past, then hear candles and answer questions, for ever; `ready` is set in between."""
        await self._read_past()
        async with AsyncExitStack() as open_questions, asyncio.TaskGroup() as group:
            await open_questions.enter_async_context(self._bus.answer(catalogue.EVALUATE, self._answerer.evaluate))
            await open_questions.enter_async_context(self._bus.answer(catalogue.SERIES, self._answerer.series))
            group.create_task(self._follow_feeds())
            group.create_task(
                consume(
                    self._bus,
                    catalogue.SIGNALS_CANDLES,
                    {catalogue.CANDLE: self._raiser.hear_candle},
                    clock=self._clock,
                )
            )
            self._is_warm = True
            logger.info("market.remembered", count=sum(self.memory.held().values()))
            if ready is not None:
                ready.set()

    async def _read_past(self) -> None:
        """Read the past of every symbol; a broker that is slow or away is asked again, until it has told all."""
        for symbol in self._settings.symbols:
            pause_s = FIRST_PAUSE_S
            while not await self._has_read(symbol, pause_s):
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _has_read(self, symbol: str, pause_s: float) -> bool:
        try:
            await self.memory.warm_up(symbol, self._strategies[0], charted=CHARTED)
        except TransientError as e:
            logger.warning("market.unread", symbol=symbol, error=str(e), delay_s=pause_s)
            return False
        return True

    async def _follow_feeds(self) -> None:
        async with self._bus.follow(catalogue.FEED) as changes:
            async for change in changes:
                self.memory.hear_feed(change)

    def _check_bus(self) -> Check:
        return Check(self._bus.is_connected, "" if self._bus.is_connected else "the broker cannot be reached")

    def _check_market(self) -> Check:
        facts = {
            "candles_held": self.memory.held(),
            "feeds": {symbol: state.value for symbol, state in self.memory.feeds.items()},
            "strategies": [f"{strategy.label} {strategy.version}" for strategy in self._strategies],
            "broken_strategies": [str(broken) for broken in self._shelf.broken],
        }
        return Check(self._is_warm, "" if self._is_warm else "reading the candles of the past", facts)


async def main(settings: SignalsSettings, stage: Stage) -> None:
    """Serve until `stage.stop` is set. What is in hand then is redelivered and repeated without effect."""
    seed = settings.nats_seed.get_secret_value() if settings.nats_seed else None
    async with connect(settings.nats_url, name="signals", seed=seed) as bus:
        room = SignalsRoom(bus, stage.clock, settings)
        for name, check in room.checks().items():
            stage.health.add(name, check)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(room.run())
            await stage.stop.wait()
            work.cancel()
