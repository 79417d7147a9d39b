"""A venue that lives in the test's own memory and keeps the promises of the port: quotes are put in by hand."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date

from services.feed.domain.quotes import Bar, Quote, minute_of
from services.feed.domain.sessions import Span
from services.feed.domain.ticks import BadInput
from services.feed.ports import Heard, Unheard, VenueLostError, VenueRefusedError, WrongVenueError


class MemoryVenue:
    """Remembers every quote it was given. `symbols` maps ours to its own; it lists `GOLD` only."""

    name = "memory"

    def __init__(self, symbols: dict[str, str], now_ms: int) -> None:
        self.symbols = symbols
        self.now_ms = now_ms
        self.past: list[Quote] = []
        self.is_refusing = False
        self.sessions: list[MemorySession] = []

    def put(self, quote: Quote) -> None:
        """Make a quote: it is history, and told to who subscribed."""
        self.now_ms = quote.epoch_ms
        self.past.append(quote)
        for session in self.sessions:
            session.tell(quote)

    def drop(self) -> None:
        """End every connection."""
        for session in self.sessions:
            session.inbox.put_nowait(VenueLostError("told to close"))

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["MemorySession"]:
        """Open a connection."""
        if self.is_refusing:
            raise VenueLostError("told to refuse")
        session = MemorySession(self)
        self.sessions.append(session)
        try:
            yield session
        finally:
            self.sessions.remove(session)


class MemorySession:
    """One connection to the memory."""

    def __init__(self, venue: MemoryVenue) -> None:
        self.inbox: asyncio.Queue[Heard | Unheard | VenueLostError] = asyncio.Queue()
        self._venue = venue
        self._subscribed: set[str] = set()
        self._lost: VenueLostError | None = None

    def tell(self, quote: Quote) -> None:
        """Stream a quote to those subscribed."""
        for symbol in self._subscribed:
            self.inbox.put_nowait(Heard(symbol, quote))

    async def quotes(self) -> AsyncGenerator[Heard | Unheard, None]:
        """Read what was told."""
        while True:
            item = await self.inbox.get()
            if isinstance(item, VenueLostError):
                self._lost = item
                raise item
            yield item

    async def check(self) -> None:
        """Know GOLD only."""
        for ours, theirs in self._venue.symbols.items():
            if theirs != "GOLD":
                raise WrongVenueError("symbols", f"{ours}={theirs}: unknown")

    async def market_ms(self) -> int:
        """Tell the hand-moved time."""
        self._refuse_when_lost()
        return self._venue.now_ms

    async def ping(self) -> float:
        """Answer at once."""
        self._refuse_when_lost()
        return 0.0

    async def hours(self, day: date) -> dict[str, tuple[Span, ...]]:
        """Say nothing about hours."""
        return {}

    async def history_bars(self, symbol: str, *, from_s: int, count: int) -> Sequence[Bar]:
        """Fold what is remembered."""
        folded: dict[int, list[float]] = {}
        for quote in self._known(symbol):
            folded.setdefault(minute_of(quote.epoch_ms) // 1000, []).append(quote.mid)
        bars = [Bar(s, mids[0], max(mids), min(mids), mids[-1]) for s, mids in sorted(folded.items()) if s >= from_s]
        return bars[-count - 1 :]

    async def history_quotes(self, symbol: str, *, from_ms: int) -> Sequence[Quote]:
        """Tell what is remembered, without sides."""
        known = self._known(symbol)
        return [Quote(q.epoch_ms, q.mid, q.mid, is_backfilled=True) for q in known if q.epoch_ms >= from_ms]

    def _known(self, symbol: str) -> list[Quote]:
        self._refuse_when_lost()
        if self._venue.symbols[symbol] != "GOLD":
            raise VenueRefusedError("unknown", symbol)
        return self._venue.past

    async def subscribe(self, symbol: str) -> None:
        """Stream from now on."""
        self._known(symbol)
        self._subscribed.add(symbol)

    def garble(self) -> None:
        """Pretend that something unreadable arrived."""
        self.inbox.put_nowait(Unheard(BadInput.NOT_JSON))

    def _refuse_when_lost(self) -> None:
        if self._lost is not None:
            raise self._lost
