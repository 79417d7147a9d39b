"""Deriv as a venue: its public market data, in either dialect.

What is known of it, and obeyed: at most one tick a second and symbol; history knows prices without sides; a request
for history that also subscribes is refused whole when the market is closed, so history and subscribing are two calls;
the number of items asked for is a wish, so pages are followed backwards until there are no more.
"""

import difflib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import date
from typing import Any

import structlog

from services.feed.adapters.deriv_budget import RequestBudget
from services.feed.adapters.deriv_dialects import Dialect
from services.feed.adapters.deriv_frames import Frame, Listing, TickFrame
from services.feed.adapters.deriv_hours import spans_of
from services.feed.adapters.deriv_link import DEADLINE_S, DerivLink, open_link
from services.feed.domain.quotes import Bar, Quote
from services.feed.domain.sessions import Span
from services.feed.domain.ticks import BadInput
from services.feed.ports import (
    Heard,
    MarketClosedError,
    Unheard,
    VenueLostError,
    VenueRefusedError,
    WrongVenueError,
)

PAGE = 5000
"""Items asked for at once. No schema says so, but clients count on no more coming back."""

MOST_PAGES = 40
TRIES = 3
"""How often one request is made when the rate limit refuses it."""

logger = structlog.get_logger()


class DerivVenue:
    """Makes connections. `symbols` maps ours to the venue's (`XAUUSD` to `frxXAUUSD`)."""

    name = "deriv"

    def __init__(
        self, dialect: Dialect, url: str, symbols: Mapping[str, str], *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._dialect = dialect
        self._url = url
        self._symbols = symbols
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["DerivSession"]:
        """Open one connection."""
        async with open_link(self._url, deadline_s=self._deadline_s) as link:
            yield DerivSession(link, self._dialect, self._symbols)


class DerivSession:
    """One connection to Deriv, as the port describes it."""

    bars_are_mids = True

    def __init__(
        self, link: DerivLink, dialect: Dialect, symbols: Mapping[str, str], budget: RequestBudget | None = None
    ) -> None:
        self._link = link
        self._dialect = dialect
        self._symbols = symbols
        self._ours = {theirs: ours for ours, theirs in symbols.items()}
        self._budget = budget or RequestBudget()
        self._subscribed: dict[str, None] = {}

    async def quotes(self) -> AsyncGenerator[Heard | Unheard, None]:
        """Read live quotes, and with them everything else that arrives."""
        async with aclosing(self._link.frames()) as frames:
            async for frame in frames:
                if isinstance(frame, BadInput):
                    yield Unheard(frame)
                elif frame.tick is not None:
                    yield self._heard(frame.tick)

    def _heard(self, tick: TickFrame) -> Heard | Unheard:
        symbol = self._ours.get(tick.symbol)
        if symbol is None:
            return Unheard(BadInput.UNKNOWN_SYMBOL)
        if tick.bid is None or tick.ask is None:
            return Unheard(BadInput.NO_BID_ASK, symbol)
        return Heard(symbol, Quote(tick.epoch * 1000, tick.bid, tick.ask))

    async def check(self) -> None:
        """Compare the venue's list of symbols with ours."""
        frame = await self._call({"active_symbols": "brief"})
        listings = frame.active_symbols or []
        names = {name for listing in listings if (name := self._name(listing)) is not None}
        if listings and not names:
            message = f"the venue does not speak {self._dialect.name!r}: its symbols have no {self._dialect.symbol_key}"
            raise WrongVenueError("dialect", message)
        for ours, theirs in self._symbols.items():
            if theirs not in names:
                near = difflib.get_close_matches(theirs, names, 1, cutoff=0.5)
                hint = f", did you mean {near[0]}?" if near else ""
                raise WrongVenueError("symbols", f"{ours}={theirs}: the venue lists no {theirs}{hint}")

    def _name(self, listing: Listing) -> str | None:
        name: str | None = getattr(listing, self._dialect.symbol_key)
        return name

    async def market_ms(self) -> int:
        """Ask for the time; Deriv tells whole seconds, so this is up to one second behind."""
        frame = await self._call({"time": 1})
        if frame.time is None:
            raise VenueRefusedError("undecodable", "an answer to time without a time")
        return frame.time * 1000

    async def ping(self) -> float:
        """Ping in JSON, which Deriv counts as activity; outside the request budget."""
        started = time.perf_counter()
        await self._link.request({"ping": 1})
        return time.perf_counter() - started

    async def hours(self, day: date) -> dict[str, tuple[Span, ...]]:
        """Ask for `trading_times`; hours that cannot be read are left out."""
        frame = await self._call({"trading_times": day.isoformat()})
        markets = frame.trading_times.markets if frame.trading_times else []
        found: dict[str, tuple[Span, ...]] = {}
        for listing in (item for market in markets for part in market.submarkets for item in part.symbols):
            symbol = self._ours.get(self._name(listing) or "")
            if symbol is None or not listing.times.open:
                continue
            try:
                found[symbol] = spans_of(listing, day)
            except ValueError as e:
                logger.warning("hours.unreadable", symbol=symbol, error=str(e))
        return found

    async def history_bars(self, symbol: str, *, from_s: int, count: int) -> Sequence[Bar]:
        """Page backwards through one-minute candles."""
        bars: dict[int, Bar] = {}
        call = {"style": "candles", "granularity": 60, "adjust_start_time": 1, **({"start": from_s} if from_s else {})}
        end = "latest"
        for _ in range(MOST_PAGES):
            wanted = min(PAGE, count + 1 - len(bars))
            frame = await self._call({"ticks_history": self._symbols[symbol], "end": end, "count": wanted, **call})
            page = {
                c.epoch: Bar(c.epoch, c.open, c.high, c.low, c.close) for c in frame.candles or () if c.epoch >= from_s
            }
            is_new = bool(page.keys() - bars.keys())
            bars |= page
            if not is_new or len(bars) > count or min(bars) <= from_s:
                break
            end = str(min(bars) - 1)
        return [bars[open_s] for open_s in sorted(bars)]

    async def history_quotes(self, symbol: str, *, from_ms: int) -> Sequence[Quote]:
        """Page backwards through past prices; they have no sides, so both are the price."""
        prices: dict[int, float] = {}
        from_s, end = from_ms // 1000, "latest"
        for _ in range(MOST_PAGES):
            call = {
                "ticks_history": self._symbols[symbol],
                "style": "ticks",
                "start": from_s,
                "end": end,
                "count": PAGE,
            }
            past = (await self._call(call)).history
            if past is not None and len(past.times) != len(past.prices):
                raise VenueRefusedError("undecodable", "a history with more prices than times, or fewer")
            page = dict(zip(past.times, past.prices, strict=True)) if past else {}
            is_new = bool(page.keys() - prices.keys())
            prices |= page
            if not is_new or min(prices) <= from_s:
                break
            end = str(min(prices) - 1)
        quotes = (Quote(moment * 1000, price, price, is_backfilled=True) for moment, price in sorted(prices.items()))
        return [quote for quote in quotes if quote.epoch_ms >= from_ms]

    async def subscribe(self, symbol: str) -> None:
        """Subscribe to ticks. A stream that a lost answer left behind is dropped first, and all begun anew."""
        try:
            await self._call({"ticks": self._symbols[symbol], "subscribe": 1})
        except MarketClosedError:
            raise
        except VenueRefusedError as e:
            if e.code != "AlreadySubscribed":
                raise
            await self._call({"forget_all": ["ticks"]})
            for again in [*(known for known in self._subscribed if known != symbol), symbol]:
                await self._call({"ticks": self._symbols[again], "subscribe": 1})
        self._subscribed[symbol] = None

    async def _call(self, call: dict[str, Any]) -> Frame:
        """Make a request within the budget; a rate limit is waited out.

        Raises VenueLostError, MarketClosedError, VenueRefusedError.
        """
        for _ in range(TRIES):
            async with self._budget.slot():
                try:
                    return await self._link.request(call)
                except VenueRefusedError as e:
                    if e.code == "MarketIsClosed":
                        raise MarketClosedError(e.code, str(e)) from e
                    if e.code != "RateLimit":
                        raise
                    self._budget.hold()
                    logger.warning("venue.limited", venue="deriv", topic=next(iter(call)))
        raise VenueLostError("the rate limit does not end on this connection")
