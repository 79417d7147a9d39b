"""Puts the feed together: which venue, which broker, whose clock."""

import asyncio

import structlog

from chassis.bus import Bus
from chassis.clock import MarketClock
from chassis.errors import StartError
from chassis.health import Check
from chassis.lifecycle import Stage
from chassis.nats_bus import connect
from services.feed.adapters.binance_venue import BinanceAddress, BinanceVenue
from services.feed.adapters.deriv_dialects import DIALECTS
from services.feed.adapters.deriv_venue import DerivVenue
from services.feed.domain.backfill import Reach
from services.feed.domain.instruments import HOURS, KNOWN, Instrument
from services.feed.domain.reconnect import Backoff
from services.feed.handlers.connection import Means
from services.feed.handlers.feed import Feed
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.symbol_feed import Patience, SymbolFeed
from services.feed.handlers.teller import Teller
from services.feed.ports import Venue
from services.feed.settings import FeedSettings

DRAIN_S = 3.0

logger = structlog.get_logger()


async def main(settings: FeedSettings, stage: Stage) -> None:
    """Run the feeds of all venues until asked to stop, then publish what is left."""
    instruments = known_instruments(settings)
    seed = settings.nats_seed.get_secret_value() if settings.nats_seed else None
    async with connect(settings.nats_url, name="feed", seed=seed) as bus:
        stage.health.add("bus", lambda: Check(bus.is_connected, "" if bus.is_connected else "the broker is away"))
        outlet = Outlet(bus, settings.backlog)
        feeds: list[Feed] = []
        for venue in settings.venues:
            feed = build(settings, instruments, bus=bus, outlet=outlet, stage=stage, venue=venue)
            stage.health.add("feed" if not feeds else f"feed_{venue}", feed.check)
            feeds.append(feed)
        async with asyncio.TaskGroup() as tasks:
            speaking = tasks.create_task(outlet.run())
            living = {tasks.create_task(feed.run()) for feed in feeds}
            await stage.stop.wait()
            for task in living:
                task.cancel()
            await asyncio.wait(living)
            for feed in feeds:
                feed.stop()
            await _drain(outlet)
            speaking.cancel()


def build(  # what a feed stands on
    settings: FeedSettings,
    instruments: dict[str, Instrument],
    *,
    bus: Bus,
    outlet: Outlet,
    stage: Stage,
    venue: str | None = None,
) -> Feed:
    """Make the feed of one venue's symbols; None: the venue of the first symbol.

    Each venue has its own clock, connection and backoff: what happens to one does not touch the others.
    """
    name = venue or settings.venues[0]
    market = MarketClock(stage.clock, settings.market_speed)
    spoken = build_venue(settings, name, MarketClock(stage.clock, settings.market_speed))
    patience = Patience(settings.stale_after_s, settings.reconnect_after_s)
    feeds = {
        symbol: SymbolFeed(
            instruments[symbol],
            Teller(symbol, spoken.name, outlet, stage.clock, market),
            stage.clock,
            market,
            patience,
        )
        for symbol in settings.symbols_of(name)
    }
    reach = Reach(
        bars=settings.history_candles,
        counted_minutes=settings.history_counted_minutes,
        ticks_ms=int(settings.repair_by_ticks_hours * 3_600_000),
    )
    backoff = Backoff(settings.reconnect_first_s, settings.reconnect_most_s)
    return Feed(Means(spoken, outlet, market, reach), feeds, bus=bus, clock=stage.clock, backoff=backoff)


def build_venue(settings: FeedSettings, name: str, market: MarketClock) -> Venue:
    """Choose the venue's adapter. `market` is for venues whose quotes carry no time; they set it themselves."""
    symbols = settings.symbols_of(name)
    if name == "binance":
        address = BinanceAddress(settings.binance_url, settings.binance_stream_url)
        return BinanceVenue(address, symbols, market, deadline_s=settings.request_deadline_s)
    dialect = DIALECTS[settings.dialect]
    url = dialect.url(settings.venue_url, settings.app_id)
    return DerivVenue(dialect, url, symbols, deadline_s=settings.request_deadline_s)


def known_instruments(settings: FeedSettings) -> dict[str, Instrument]:
    """Find the instrument of every symbol. Raises StartError for one that nobody described."""
    described = {
        symbol: Instrument(told.digits, told.pip, told.max_spread_pips, HOURS[told.hours])
        for symbol, told in settings.instruments.items()
    }
    table = {**KNOWN, **described}
    unknown = [symbol for symbol in settings.symbol_map if symbol not in table]
    if unknown:
        raise StartError(
            f"SINYAL_FEED_INSTRUMENTS: describe {', '.join(unknown)}; known are {', '.join(sorted(table))}"
        )
    return {symbol: table[symbol] for symbol in settings.symbol_map}


async def _drain(outlet: Outlet) -> None:
    """Publish what is left, if the broker takes it; what is lost is asked for again at the next start."""
    try:
        async with asyncio.timeout(DRAIN_S):
            await outlet.drained()
    except TimeoutError:
        logger.warning("backlog.abandoned", count=outlet.depth)
