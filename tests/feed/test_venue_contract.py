"""Every venue of ours keeps the promises of the port: Deriv in both dialects, Binance, and one in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import count

import pytest

from chassis.clock import MarketClock, SystemClock
from sandbox.exchange import quotes as sandbox_quotes
from sandbox.exchange.server import ExchangeServer
from services.feed.adapters import binance_stream, deriv_link
from services.feed.adapters.binance_venue import BinanceAddress, BinanceVenue
from services.feed.adapters.deriv_dialects import LEGACY, NEW, Dialect
from services.feed.adapters.deriv_venue import DerivVenue
from services.feed.domain.quotes import Quote
from services.feed.ports import Venue
from tests.feed.memory_venue import MemoryVenue
from tests.feed.plain_market import PlainTape
from tests.feed.running import LEGACY_PATH, NEW_PATH
from tests.feed.venue_contract import OURS, NetworkVenueContract, Stand, VenueContract

SPEED = 20.0
HOUR_MS = 3_600_000


class ShortTape(PlainTape):
    """Enough for the suite: most of a day of history and two hours to come, made once."""

    def __init__(self) -> None:
        super().__init__()
        self.start_ms = self.live_ms - 22 * HOUR_MS
        self.end_ms = self.live_ms + 2 * HOUR_MS

    def quotes(self, start_ms: int | None = None, end_ms: int | None = None) -> Iterator[sandbox_quotes.Quote]:
        yield from _rows(start_ms, end_ms)


@cache
def _rows(start_ms: int | None, end_ms: int | None) -> list[sandbox_quotes.Quote]:
    tape = ShortTape()
    return list(PlainTape.quotes(tape, start_ms, end_ms))


@cache
def _past() -> tuple[Quote, ...]:
    tape = ShortTape()
    return tuple(tape.between(tape.live_ms - 1300 * 60_000, tape.live_ms))


class ExchangeStand:
    """A venue on the simulator."""

    def __init__(self, exchange: ExchangeServer, patch: pytest.MonkeyPatch) -> None:
        self.exchange = exchange
        self.patch = patch

    def ping_every(self, seconds: float) -> None:
        self.patch.setattr(deriv_link, "SOCKET_PING_S", seconds)
        self.patch.setattr(binance_stream, "HEARTBEAT_S", seconds)

    def market_ms(self) -> int:
        return self.exchange.market_now_ms()

    def fault(self, kind: str, **limits: float) -> None:
        self.exchange.set_fault(kind, **limits)


class DerivStand(ExchangeStand):
    def __init__(self, exchange: ExchangeServer, patch: pytest.MonkeyPatch, dialect: Dialect) -> None:
        super().__init__(exchange, patch)
        self.dialect = dialect
        self.path = NEW_PATH if dialect is NEW else LEGACY_PATH

    def venue(self, symbol: str | None = None) -> Venue:
        url = self.dialect.url(self.exchange.url + self.path, "1089")
        return DerivVenue(self.dialect, url, {OURS: symbol or "frxXAUUSD"})

    def misplaced(self) -> Venue:
        return DerivVenue(self.dialect, self.exchange.url + "/nowhere", {OURS: "frxXAUUSD"})


class BinanceStand(ExchangeStand):
    def venue(self, symbol: str | None = None) -> Venue:
        return self._at("", symbol or "PAXGUSDT")

    def misplaced(self) -> Venue:
        return self._at("/nowhere", "PAXGUSDT")

    def _at(self, path: str, symbol: str) -> Venue:
        stream = self.exchange.url + path
        address = BinanceAddress(stream.replace("ws://", "http://"), stream)
        return BinanceVenue(address, {OURS: symbol}, MarketClock(SystemClock(), SPEED))


class MemoryStand:
    """The fake, fed from the same tape."""

    def __init__(self) -> None:
        tape = ShortTape()
        self.memory = MemoryVenue({OURS: "GOLD"}, tape.live_ms)
        self.memory.past = list(_past())
        self._coming = (Quote(tape.live_ms + s * 1000, 4000 + s / 100, 4000.3 + s / 100) for s in count(1))

    async def live(self) -> None:
        """Tell a quote now and then."""
        while True:
            await asyncio.sleep(0.01)
            self.memory.put(next(self._coming))

    def venue(self, symbol: str | None = None) -> Venue:
        if symbol:
            self.memory.symbols = {OURS: symbol}
        else:
            self.memory.symbols = {OURS: "GOLD"}
        return self.memory

    def misplaced(self) -> Venue:
        raise NotImplementedError

    def ping_every(self, seconds: float) -> None:
        raise NotImplementedError

    def market_ms(self) -> int:
        return self.memory.now_ms

    def fault(self, kind: str, **limits: float) -> None:
        if kind == "close":
            self.memory.drop()
        self.memory.is_refusing = kind == "refuse"


@asynccontextmanager
async def an_exchange() -> AsyncIterator[ExchangeServer]:
    async with ExchangeServer(ShortTape(), speed=SPEED) as exchange:
        yield exchange


class TestDerivNew(NetworkVenueContract):
    @pytest.fixture
    async def stand(self, monkeypatch) -> AsyncIterator[Stand]:
        async with an_exchange() as exchange:
            yield DerivStand(exchange, monkeypatch, NEW)


class TestDerivLegacy(NetworkVenueContract):
    @pytest.fixture
    async def stand(self, monkeypatch) -> AsyncIterator[Stand]:
        async with an_exchange() as exchange:
            yield DerivStand(exchange, monkeypatch, LEGACY)


class TestBinance(NetworkVenueContract):
    @pytest.fixture
    async def stand(self, monkeypatch) -> AsyncIterator[Stand]:
        async with an_exchange() as exchange:
            yield BinanceStand(exchange, monkeypatch)


class TestMemory(VenueContract):
    @pytest.fixture
    async def stand(self) -> AsyncIterator[Stand]:
        stand = MemoryStand()
        living = asyncio.ensure_future(stand.live())
        yield stand
        living.cancel()
        await asyncio.wait({living})
