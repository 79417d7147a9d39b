"""Binance spot as a venue: all symbols on one stream connection, history and clock over REST. No key is needed.

What is known of it, and obeyed: a best bid and ask carries an id that rises but no time, so it is stamped with the
venue's clock as it arrives; a connection lives 24 hours at most and `serverShutdown` announces an earlier end, so a new
one is opened before, and nothing is lost or told twice in between; an unknown symbol can be subscribed and stays
silent, so symbols are checked first. Trading never closes: no hours are told, and a halted symbol is a closed market.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

import structlog
from aiohttp import ClientSession, ClientTimeout

from chassis.clock import MarketClock
from services.feed.adapters.binance_book import Book
from services.feed.adapters.binance_budget import WeightBudget
from services.feed.adapters.binance_frames import (
    ExchangeInfo,
    MalformedFrameError,
    NotJsonError,
    ServerTime,
    StreamFrame,
    decode,
)
from services.feed.adapters.binance_history import read_bars, read_quotes
from services.feed.adapters.binance_rest import BinanceRest
from services.feed.adapters.binance_stream import BinanceStream, open_stream
from services.feed.domain.quotes import Bar, Quote
from services.feed.domain.sessions import Span
from services.feed.domain.ticks import BadInput
from services.feed.ports import Heard, MarketClosedError, Unheard, VenueLostError, VenueRefusedError, WrongVenueError

REST_URL = "https://data-api.binance.vision"
STREAM_URL = "wss://data-stream.binance.vision"
"""The addresses that serve market data only."""

DEADLINE_S = 10.0
RENEW_AFTER_S = 23.5 * 3600
RENEW_AGAIN_S = 30.0
LOOK_EVERY_S, LOOK_SOON_S = 1.0, 0.05
DRAIN_S = 0.2
DRAIN_QUIET_S = 0.05
EXCHANGE_INFO_WEIGHT = 20

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BinanceAddress:
    """Where Binance is: REST and streams, without paths."""

    rest: str = REST_URL
    stream: str = STREAM_URL


class BinanceVenue:
    """Makes connections. `symbols` maps ours to the venue's; `market` is the clock that quotes are stamped with."""

    name = "binance"

    def __init__(
        self,
        address: BinanceAddress,
        symbols: Mapping[str, str],
        market: MarketClock,
        *,
        deadline_s: float = DEADLINE_S,
        renew_after_s: float = RENEW_AFTER_S,
    ) -> None:
        self._address = address
        self._symbols = symbols
        self._market = market
        self._deadline_s = deadline_s
        self._renew_after_s = renew_after_s
        self._budget = WeightBudget()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["BinanceSession"]:
        """Open one connection, and set the clock. Raises VenueLostError or WrongVenueError."""
        async with ClientSession(timeout=ClientTimeout(total=None), trust_env=False) as http:
            rest = BinanceRest(http, self._address.rest, self._budget, self._deadline_s)
            session = BinanceSession(
                rest,
                _Source(http, self._address.stream, self._deadline_s, self._renew_after_s),
                self._symbols,
                self._market,
            )
            await session.open()
            try:
                yield session
            finally:
                await session.close()


@dataclass(frozen=True, slots=True)
class _Source:
    """How to open a stream connection, how long to wait on it, and how old it may become (wall seconds)."""

    http: ClientSession
    url: str
    deadline_s: float
    renew_after_s: float

    async def open(self) -> BinanceStream:
        return await open_stream(self.http, self.url)


class BinanceSession:
    """One connection to Binance, as the port describes it; beneath it, one stream connection after the other.

    It is no `TellsMids`: its bars are of trades and prove nothing about our candles of mids.
    """

    def __init__(self, rest: BinanceRest, source: _Source, symbols: Mapping[str, str], market: MarketClock) -> None:
        self._rest = rest
        self._source = source
        self._symbols = symbols
        self._market = market
        self._book = Book({theirs: ours for ours, theirs in symbols.items()}, market)
        self._stream: BinanceStream
        self._renew_at = 0.0
        self._is_steady = asyncio.Event()
        self._number = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._subscribed: dict[str, None] = {}
        self._lost: VenueLostError | None = None
        self._renewal: asyncio.Future[tuple[BinanceStream, list[str | bytes]]] | None = None

    async def open(self) -> None:
        """Set the clock and open the first stream connection."""
        await self.market_ms()
        self._adopt(await self._source.open())

    async def close(self) -> None:
        """Close what is open."""
        self._give_up(VenueLostError("closed"))
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait({self._renewal})
            if not self._renewal.cancelled():
                self._renewal.exception()  # the session ends anyway, and with it every connection of its client
        await self._stream.close()

    def _adopt(self, stream: BinanceStream) -> None:
        self._stream = stream
        self._renew_at = time.monotonic() + self._source.renew_after_s
        self._is_steady.set()

    # --- live ---------------------------------------------------------------------------------------------------------

    async def quotes(self) -> AsyncGenerator[Heard | Unheard, None]:
        """Read live quotes, and with them the answers to subscriptions."""
        lost = VenueLostError("no longer read")
        try:
            while True:
                for told in await self._renew():
                    yield told
                body = await self._stream.receive(LOOK_EVERY_S if self._renewal is None else LOOK_SOON_S)
                item = None if body is None else self._read(body)
                if item is not None:
                    yield item
        except VenueLostError as e:
            lost = e
            raise
        finally:
            self._give_up(lost)

    async def _renew(self) -> list[Heard | Unheard]:
        """Take one step of a renewal: begin it where it is due, end it where the new connection stands.

        The old connection is read meanwhile. Returns what both told around the change.
        """
        if self._renewal is None:
            if time.monotonic() >= self._renew_at and not self._waiting:
                self._is_steady.clear()
                self._renewal = asyncio.ensure_future(self._prepare())
            return []
        if not self._renewal.done():
            return []
        renewal, self._renewal = self._renewal, None
        try:
            return await self._change_to(*renewal.result())
        except (VenueLostError, WrongVenueError) as e:
            logger.warning("venue.renewal_failed", venue="binance", error=str(e))
            self._renew_at = time.monotonic() + RENEW_AGAIN_S
            return []
        finally:
            self._is_steady.set()

    async def _prepare(self) -> tuple[BinanceStream, list[str | bytes]]:
        """Open a new connection and subscribe to everything; return it with what it told before it had answered."""
        fresh = await self._source.open()
        try:
            return fresh, await self._resubscribe(fresh)
        except BaseException:
            await fresh.close()
            raise

    async def _change_to(self, fresh: BinanceStream, early: list[str | bytes]) -> list[Heard | Unheard]:
        old = self._stream
        items = [self._read(body) for body in await _drain(old)]
        await old.close()
        self._book.overlap()
        self._adopt(fresh)
        items += [self._read(body) for body in early]
        logger.info("venue.renewed", venue="binance")
        return [item for item in items if item is not None]

    async def _resubscribe(self, fresh: BinanceStream) -> list[str | bytes]:
        early: list[str | bytes] = []
        if not self._subscribed:
            return early
        self._number += 1
        await fresh.subscribe([_stream_of(theirs) for theirs in self._subscribed], self._number)
        ends_at = time.monotonic() + self._source.deadline_s
        while (left_s := ends_at - time.monotonic()) > 0:
            body = await fresh.receive(left_s)
            if body is None:
                break
            frame = _frame(body)
            if isinstance(frame, BadInput) or frame.id != self._number:
                early.append(body)
            elif frame.fault is not None:
                raise VenueLostError(f"subscriptions refused: {frame.fault.msg}")
            else:
                return early
        raise VenueLostError("subscriptions were not answered")

    def _read(self, body: str | bytes) -> Heard | Unheard | None:
        """Understand one message; None where it is no news."""
        frame = _frame(body)
        if isinstance(frame, BadInput):
            return Unheard(frame)
        if frame.s is not None and frame.u is not None:
            return self._book.read(frame, frame.s, frame.u)
        if frame.e == "serverShutdown":
            self._renew_at = 0.0
            return None
        if frame.id is None and frame.fault is None:
            return Unheard(BadInput.MALFORMED)
        self._answer(frame)
        return None

    def _answer(self, frame: StreamFrame) -> None:
        waiting = self._waiting.get(frame.id or 0)
        if waiting is None or waiting.done():
            return
        if frame.fault is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(VenueRefusedError(str(frame.fault.code), frame.fault.msg))

    def _give_up(self, error: VenueLostError) -> None:
        self._lost = self._lost or error
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(self._lost)

    # --- asked --------------------------------------------------------------------------------------------------------

    async def subscribe(self, symbol: str) -> None:
        """Subscribe to best bids and asks; a symbol whose trading is halted raises MarketClosedError."""
        theirs = self._symbols[symbol]
        if await self._status(theirs) != "TRADING":
            raise MarketClosedError("halted", f"{theirs} does not trade now")
        self._refuse_when_lost()
        try:
            async with asyncio.timeout(self._source.deadline_s):
                await self._is_steady.wait()
                await self._request([_stream_of(theirs)])
        except TimeoutError as e:
            raise VenueLostError(f"no answer to SUBSCRIBE within {self._source.deadline_s:g} s") from e
        self._subscribed[theirs] = None

    async def _request(self, streams: list[str]) -> None:
        self._number += 1
        number = self._number
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._stream.subscribe(streams, number)
            await answer
        finally:
            del self._waiting[number]
            if answer.done() and not answer.cancelled():
                answer.exception()  # whoever asked may have left in the meantime: then nobody else looks at it

    async def check(self) -> None:
        """Ask whether the venue knows each of our symbols."""
        for ours, theirs in self._symbols.items():
            try:
                await self._status(theirs)
            except VenueRefusedError as e:
                hint = "names are written like BTCUSDT"
                raise WrongVenueError("symbols", f"{ours}=binance:{theirs}: Binance lists no {theirs}; {hint}") from e

    async def _status(self, theirs: str) -> str:
        self._refuse_when_lost()
        info = await self._rest.get("exchangeInfo", ExchangeInfo, weight=EXCHANGE_INFO_WEIGHT, symbol=theirs)
        if not info.symbols:
            raise VenueRefusedError("undecodable", f"exchangeInfo without {theirs}")
        return info.symbols[0].status

    async def market_ms(self) -> int:
        """Ask for the time, and set the clock by it; half of the way there and back is added."""
        self._refuse_when_lost()
        told, took_s = await self._rest.get_timed("time", ServerTime, weight=1)
        market_ms = told.serverTime + int(took_s / 2 * 1000 * self._market.speed)
        self._market.set(market_ms)
        return market_ms

    async def ping(self) -> float:
        """Ping over REST; whether the stream lives is found out by pings of its own."""
        self._refuse_when_lost()
        _, took_s = await self._rest.get_timed("ping", dict[str, object], weight=1)
        return took_s

    async def hours(self, day: date) -> dict[str, tuple[Span, ...]]:  # noqa: ARG002  # it never closes
        """Tell nothing: the venue never closes, and the table of the instrument says so."""
        return {}

    async def history_bars(self, symbol: str, *, from_s: int, count: int) -> Sequence[Bar]:
        """Ask for klines of a minute."""
        self._refuse_when_lost()
        return await read_bars(self._rest, self._symbols[symbol], from_s=from_s, count=count)

    async def history_quotes(self, symbol: str, *, from_ms: int) -> Sequence[Quote]:
        """Ask for trades."""
        self._refuse_when_lost()
        return await read_quotes(self._rest, self._symbols[symbol], from_ms=from_ms, now_ms=self._market.now_ms())

    def _refuse_when_lost(self) -> None:
        if self._lost is not None:
            raise self._lost


async def _drain(stream: BinanceStream) -> list[str | bytes]:
    """Take what a connection still holds; that it has ended meanwhile is no news."""
    bodies: list[str | bytes] = []
    ends_at = time.monotonic() + DRAIN_S
    try:
        while time.monotonic() < ends_at and (body := await stream.receive(DRAIN_QUIET_S)) is not None:
            bodies.append(body)
    except VenueLostError:
        return bodies
    return bodies


def _frame(body: str | bytes) -> StreamFrame | BadInput:
    try:
        return decode(body)
    except NotJsonError:
        return BadInput.NOT_JSON
    except MalformedFrameError:
        return BadInput.MALFORMED


def _stream_of(theirs: str) -> str:
    return f"{theirs.lower()}@bookTicker"
