"""The market's past in Binance's order: from a start forwards, or the latest up to an end.

Every spot of the market is one trade at its mid, so history, trades and klines agree to the last digit.
"""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from sandbox.exchange.binance_checks import Span
from sandbox.exchange.day_sheet import Candle, DaySheet, Spot, fold
from sandbox.exchange.market import Market
from sandbox.exchange.quotes import DAY_MS

MINUTE_S = 60
GRANULARITIES_S = {
    "1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200,
    "4h": 14_400, "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400,
}  # fmt: skip
"""Of Binance's intervals those that divide a day; 3d, 1w and 1M are not offered."""


class Kline(NamedTuple):
    """A candle and how many trades it holds."""

    candle: Candle
    trades: int


async def trades_of(market: Market, span: Span) -> list[Spot]:
    """Find trades told so far, oldest first: the first `limit` from the start, or the last ones without a start."""
    found: list[Spot] = []
    async for sheet in _sheets(market, span):
        first, end = _bounds(market, sheet, span)
        part = list(sheet.spots(first, end))
        found = found + part if span.start_ms is not None else part + found
        if len(found) >= span.limit:
            break
    return found[: span.limit] if span.start_ms is not None else found[-span.limit :]


async def klines_of(market: Market, span: Span, granularity_s: int) -> list[Kline]:
    """Find klines that open in the span, oldest first, the newest may still form. None without trades."""
    found: list[Kline] = []
    async for sheet in _sheets(market, span):
        part = _klines(market, sheet, span, granularity_s)
        found = found + part if span.start_ms is not None else part + found
        if len(found) >= span.limit:
            break
    return found[: span.limit] if span.start_ms is not None else found[-span.limit :]


def _klines(market: Market, sheet: DaySheet, span: Span, granularity_s: int) -> list[Kline]:
    told_ms = market.told_ms + 1
    if granularity_s < MINUTE_S:
        first, end = _bounds(market, sheet, span)
        candles = list(fold(sheet.spots(first, end), granularity_s))
    else:
        candles = sheet.candles(granularity_s, told_ms)
    low_ms, high_ms = span.start_ms or 0, market.told_ms if span.end_ms is None else span.end_ms
    kept = [candle for candle in candles if low_ms <= candle.epoch * 1000 <= high_ms]
    most = kept[: span.limit] if span.start_ms is not None else kept[-span.limit :]
    return [Kline(candle, _count(sheet, candle.epoch * 1000, granularity_s, told_ms)) for candle in most]


def _count(sheet: DaySheet, open_ms: int, granularity_s: int, told_ms: int) -> int:
    return sheet.first_at(min(open_ms + granularity_s * 1000, told_ms)) - sheet.first_at(open_ms)


def _bounds(market: Market, sheet: DaySheet, span: Span) -> tuple[int, int]:
    end_ms = market.told_ms if span.end_ms is None else min(span.end_ms, market.told_ms)
    return sheet.first_at(span.start_ms or 0), sheet.first_at(end_ms + 1)


async def _sheets(market: Market, span: Span) -> AsyncIterator[DaySheet]:
    for day in _days(market, span):
        yield await market.book.load(day)


def _days(market: Market, span: Span) -> Iterator[int]:
    last_ms = market.told_ms if span.end_ms is None else min(span.end_ms, market.told_ms)
    first = max((span.start_ms or 0) // DAY_MS, market.book.first_day)
    days = range(first, last_ms // DAY_MS + 1)
    return iter(days if span.start_ms is not None else reversed(days))
