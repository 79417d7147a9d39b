"""Binance's public REST calls: GET only, each with a weight out of 6000 a minute for all connections together.

A budget that is used up is answered 429 with Retry-After until its minute ends, as the venue's documents say.
"""

import time
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any, NamedTuple

import msgspec

from sandbox.exchange import binance_words as words
from sandbox.exchange.binance_checks import TOO_MUCH, BinanceError, Query, Span, legal_symbol
from sandbox.exchange.binance_history import GRANULARITIES_S, klines_of, trades_of
from sandbox.exchange.binance_symbols import PAIRS, Pair, find_pair
from sandbox.exchange.faults import Faults
from sandbox.exchange.market import Market
from sandbox.exchange.venue import Answer

MINUTE_S = 60.0
JSON = "application/json;charset=UTF-8"
LAST_ID = 9_999_999_999


class Call(NamedTuple):
    """One endpoint: what it costs, which parameters it takes, and who answers."""

    weight: int
    parameters: frozenset[str]
    answer: Callable[[Market, Query], Awaitable[Any]]


class Weights:
    """The weight used in the present minute (wall time)."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing used; `wall` gives seconds."""
        self._wall = wall
        self._began = wall()
        self.used = 0

    def spend(self, weight: int) -> None:
        """Count a request. Raises BinanceError over the limit."""
        now = self._wall()
        if now - self._began >= MINUTE_S:
            self._began, self.used = now, 0
        self.used += weight
        if self.used > words.WEIGHT_PER_MINUTE:
            raise too_much(self._began + MINUTE_S - now)


def too_much(seconds: float) -> BinanceError:
    """Word the refusal of too many requests."""
    message = (
        f"Too much request weight used; current limit is {words.WEIGHT_PER_MINUTE} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return BinanceError(TOO_MUCH, message, status=429, retry_after_s=max(1, ceil(seconds)))


class Rest:
    """All endpoints of one server, with its budget."""

    def __init__(self, weights: Weights | None = None) -> None:
        """Start with a full budget."""
        self.weights = weights or Weights()

    async def answer(self, path: str, query: str, market: Market, faults: Faults) -> Answer:
        """Answer one GET request with JSON, or with an error as Binance words it."""
        status, retry = 200, {}
        try:
            body = await self._body(path, query, market, faults)
        except BinanceError as error:
            status, body = error.status, {"code": error.code, "msg": error.message}
            retry = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
        headers = {"Content-Type": JSON, "x-mbx-used-weight-1m": str(self.weights.used), **retry}
        return Answer(status, msgspec.json.encode(body), headers)

    async def _body(self, path: str, query: str, market: Market, faults: Faults) -> Any:
        call = CALLS.get(path)
        if call is None:
            raise BinanceError(-1000, "no such path", status=404)
        if faults.is_on("rate_limit"):
            left = next(item["seconds"] for item in faults.active() if item["kind"] == "rate_limit")
            raise too_much(left if isinstance(left, float) else 1.0)
        self.weights.spend(call.weight)
        return await call.answer(market, Query(query, call.parameters))


async def _ping(_: Market, __: Query) -> dict[str, Any]:
    return {}


async def _time(market: Market, _: Query) -> dict[str, Any]:
    return {"serverTime": market.now_ms()}


async def _exchange_info(market: Market, query: Query) -> dict[str, Any]:
    pairs = _pairs(query)
    return {
        "timezone": "UTC",
        "serverTime": market.now_ms(),
        "rateLimits": words.rate_limits(),
        "exchangeFilters": [],
        "symbols": [words.listing(pair, is_trading=is_quoted(pair, market)) for pair in pairs],
    }


async def _klines(market: Market, query: Query) -> list[Any]:
    pair, interval = _pair(query.symbol()), query.text("interval")
    if interval not in GRANULARITIES_S:
        raise BinanceError(-1120, "Invalid interval.")
    span, granularity_s = query.span(), GRANULARITIES_S[interval]
    rows = await klines_of(market, span, granularity_s) if is_quoted(pair, market) else []
    return [words.past_kline(row, granularity_s) for row in rows]


async def _agg_trades(market: Market, query: Query) -> list[Any]:
    pair, span, first_id = _pair(query.symbol()), query.span(), query.number("fromId")
    if first_id is not None:
        if span.start_ms is not None or span.end_ms is not None:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        span = Span(min(first_id, LAST_ID) * 1000, None, span.limit)
    spots = await trades_of(market, span) if is_quoted(pair, market) else []
    return [words.aggregate(spot) for spot in spots]


async def _trades(market: Market, query: Query) -> list[Any]:
    pair, span = _pair(query.symbol()), query.span()
    spots = await trades_of(market, span) if is_quoted(pair, market) else []
    return [words.past_trade(spot) for spot in spots]


async def _book_ticker(market: Market, query: Query) -> Any:
    rows = [
        words.past_book_ticker(pair, market.latest() if is_quoted(pair, market) else None) for pair in _pairs(query)
    ]
    return rows[0] if "symbol" in query.values else rows


def _pairs(query: Query) -> list[Pair]:
    if "symbol" in query.values and "symbols" in query.values:
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    if "symbol" in query.values:
        return [_pair(query.symbol())]
    if "symbols" not in query.values:
        return list(PAIRS)
    try:
        symbols = msgspec.json.decode(query.values["symbols"], type=list[str])
    except msgspec.DecodeError as error:
        raise BinanceError(-1100, "Illegal characters found in parameter 'symbols'.") from error
    return [_pair(legal_symbol(symbol, "symbols")) for symbol in symbols]


def _pair(symbol: str) -> Pair:
    pair = find_pair(symbol)
    if pair is None:
        raise BinanceError(-1121, "Invalid symbol.")
    return pair


def is_quoted(pair: Pair, market: Market) -> bool:
    """Tell whether the tape quotes this pair."""
    return pair.instrument == market.instrument


CALLS = {
    "/api/v3/ping": Call(1, frozenset(), _ping),
    "/api/v3/time": Call(1, frozenset(), _time),
    "/api/v3/exchangeInfo": Call(
        20, frozenset({"symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"}), _exchange_info
    ),
    "/api/v3/klines": Call(2, frozenset({"symbol", "interval", "startTime", "endTime", "timeZone", "limit"}), _klines),
    "/api/v3/aggTrades": Call(4, frozenset({"symbol", "fromId", "startTime", "endTime", "limit"}), _agg_trades),
    "/api/v3/trades": Call(25, frozenset({"symbol", "limit"}), _trades),
    "/api/v3/ticker/bookTicker": Call(4, frozenset({"symbol", "symbols", "symbolStatus"}), _book_ticker),
}
