"""Deriv's public market data over one WebSocket, in both dialects: the legacy v3 path and the new Options path."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request as Handshake

from sandbox.exchange.day_sheet import Spot
from sandbox.exchange.deriv_limits import Budget
from sandbox.exchange.deriv_listings import active_symbols, trading_times, website_status
from sandbox.exchange.deriv_requests import DerivError, Dialect, Request, call_of, parse, validate
from sandbox.exchange.deriv_streams import Stream, Streams, encode, envelope, tick_body
from sandbox.exchange.faults import Faults
from sandbox.exchange.link import Link
from sandbox.exchange.market import Market, Window
from sandbox.exchange.symbols import Listing, find_listing
from sandbox.exchange.venue import Answer, Refusal

LEGACY_PATH = "/websockets/v3"
NEW_PATH = "/trading/v1/options/ws/public"
DIALECTS = {LEGACY_PATH: Dialect.LEGACY, NEW_PATH: Dialect.NEW}
DEFAULT_COUNT = 1000
MOST_ITEMS = 5000  # what client code assumes; more is cut without a word, so a client must count what it got
DAY_S = 86_400


class DerivVenue:
    """Deriv on its two paths."""

    def claims(self, path: str) -> bool:
        """Tell whether Deriv is spoken on a path."""
        return path in DIALECTS

    async def answer(self, request: Handshake, market: Market, faults: Faults) -> Answer | None:  # noqa: ARG002
        """Answer no plain request: Deriv speaks over WebSockets only."""
        return None

    def greet(self, request: Handshake) -> Refusal | None:
        """Refuse the legacy path without a number as app_id."""
        parts = urlsplit(request.path)
        app_id = parse_qs(parts.query).get("app_id", [""])[0]
        if DIALECTS[parts.path] is Dialect.LEGACY and not app_id.isdecimal():
            return Refusal(401, '{"error":"InvalidAppID"}')
        return None

    def converse(self, path: str, market: Market, link: Link, faults: Faults) -> "DerivConversation":
        """Begin a conversation in the path's dialect."""
        return DerivConversation(DIALECTS[urlsplit(path).path], market, link, faults)


class DerivConversation:
    """One client of Deriv: its budget, its streams, and an answer to each of its requests."""

    def __init__(self, dialect: Dialect, market: Market, link: Link, faults: Faults) -> None:
        """Begin with a full budget and no stream."""
        self._dialect = dialect
        self._market = market
        self._link = link
        self._faults = faults
        self._budget = Budget(market.seconds)
        self._streams = Streams()
        self._plain: dict[str, Callable[[Any], Any]] = {
            "ping": lambda _: "pong",
            "time": lambda _: market.now_ms() // 1000,
            "forget": self._streams.forget,
            "forget_all": lambda kinds: self._streams.forget_all([kinds] if isinstance(kinds, str) else kinds),
            "active_symbols": lambda detail: active_symbols(market, dialect, detail),
            "trading_times": lambda day: trading_times(market, dialect, day),
            "website_status": lambda _: website_status(),
        }

    def tell(self, spot: Spot) -> int:
        """Put a new spot on every stream; returns how many frames that took."""
        count = 0
        for stream in self._streams:
            self._link.put(stream.frame(spot, self._market))
            count += 1
        return count

    def tell_garbage(self, number: int, spot: Spot) -> None:
        """Put broken frame `number` on every stream."""
        for stream in self._streams:
            self._link.put(stream.broken_frame(number, spot))

    def beat(self, now_ms: int) -> None:
        """Do nothing by itself: Deriv only answers and streams."""

    async def hear(self, text: str | bytes) -> None:
        """Answer one frame, with what was asked or with an error."""
        request: Request = {}
        try:
            request = parse(text)
            call = call_of(request, self._dialect)
            self._spend(call)
            validate(call, request, self._dialect)
            await self._answer(call, request)
        except DerivError as error:
            refusal = {"code": error.code, "message": error.message}
            self._say(request, error.call, error=refusal)

    def _spend(self, call: str) -> None:
        if call == "ping":
            return
        if not self._budget.spend() or self._faults.is_on("rate_limit"):
            raise DerivError("RateLimit", f"You have reached the rate limit for {call}.", call)

    def _say(self, request: Request, msg_type: str, **body: Any) -> None:
        self._link.put(encode({**envelope(request), "msg_type": msg_type, **body}))

    async def _answer(self, call: str, request: Request) -> None:
        if call == "ticks":
            self._ticks(request)
        elif call == "ticks_history":
            await self._history(request)
        else:
            self._say(request, call, **{call: self._plain[call](request[call])})

    def _ticks(self, request: Request) -> None:
        asked = request["ticks"]
        listings = [self._listing(symbol, "ticks") for symbol in ([asked] if isinstance(asked, str) else asked)]
        spots = [self._live_spot(listing, "ticks") for listing in listings]
        if "subscribe" in request:
            for listing in listings:
                self._streams.refuse_double(listing, None, "ticks")
        for listing, spot in zip(listings, spots, strict=True):
            if "subscribe" in request:
                stream = Stream(listing, request)
                self._streams.add(stream)
                self._link.put(stream.frame(spot, self._market))
            else:
                self._say(request, "tick", tick=tick_body(listing, spot))

    async def _history(self, request: Request) -> None:
        listing = self._listing(request["ticks_history"], "ticks_history")
        is_candles = request.get("style") == "candles"
        granularity_s = request.get("granularity", 60) if is_candles else None
        if "subscribe" in request:
            self._live_spot(listing, "ticks_history")
            self._streams.refuse_double(listing, granularity_s, "ticks_history")
        window = await self._window(request, is_candles=is_candles)
        if self._is_quoted(listing):
            await self._market.load_for(window, granularity_s)
        # Nothing is awaited from here on: what the answer ends with is what the stream goes on from.
        body = self._past(listing, window, granularity_s)
        body["pip_size"] = listing.decimals
        if "subscribe" in request:
            stream = Stream(listing, request, granularity_s)
            self._streams.add(stream)
            body["subscription"] = {"id": stream.stream_id}
        self._say(request, "candles" if is_candles else "history", **body)

    async def _window(self, request: Request, *, is_candles: bool) -> Window:
        """Word the request's stretch of time as Deriv's defaults complete it. Raises DerivError."""
        now = self._market.now_ms() // 1000
        end = now if request["end"] == "latest" else min(int(request["end"]), now)
        is_bounded = is_candles and "count" in request and "granularity" in request
        start = request.get("start", 0 if is_bounded else max(0, end - DAY_S))
        if start > end:
            message = f"Start time {start} must be before end time {end}"
            raise DerivError("InvalidStartEnd", message, "ticks_history")
        if "adjust_start_time" in request:
            start = max(0, start - await self._closed_for(end))
        return Window(start, end, min(request.get("count", DEFAULT_COUNT), MOST_ITEMS))

    async def _closed_for(self, end: int) -> int:
        """Tell how many seconds before `end` the market last quoted; 0 where it was open then."""
        last = Window(0, end, 1)
        await self._market.load_for(last, None)
        spots = self._market.spots(last)
        quiet = end - spots[-1].epoch if spots else 0
        return quiet if quiet > 60 else 0

    def _past(self, listing: Listing, window: Window, granularity_s: int | None) -> dict[str, Any]:
        if granularity_s is not None:
            candles = self._market.candles(window, granularity_s) if self._is_quoted(listing) else []
            return {"candles": [candle._asdict() for candle in candles]}
        spots = self._market.spots(window) if self._is_quoted(listing) else []
        return {"history": {"prices": [spot.quote for spot in spots], "times": [spot.epoch for spot in spots]}}

    def _listing(self, symbol: str, call: str) -> Listing:
        listing = find_listing(symbol)
        if listing is None:
            raise DerivError("InvalidSymbol", f"Symbol {symbol} is invalid.", call)
        return listing

    def _is_quoted(self, listing: Listing) -> bool:
        return listing.instrument == self._market.instrument

    def _live_spot(self, listing: Listing, call: str) -> Spot:
        """Find the spot a stream would begin with. Raises DerivError where there is nothing to stream."""
        if not self._is_quoted(listing):
            raise DerivError("NoRealtimeQuotes", f"Realtime quotes not available for {listing.symbol}.", call)
        spot = self._market.latest()
        if spot is None or not self._market.is_open():
            raise DerivError("MarketIsClosed", "This market is presently closed.", call)
        return spot
