"""Binance's past in the port's words: bars of one minute, and every price that was traded.

History is of trades while live quotes are best bids and asks, so a bar of the venue may differ from our candle of mids
by up to half a spread. Trades have no sides: bid and ask are the price. The last minutes are read trade by trade; what
is older, by bars of one second, whose open, low, high and close stand for its trades: their seconds are exact, their
order within the second is the likeliest (down first in a rising second, up first in a falling one).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from services.feed.adapters.binance_frames import Kline, Trade
from services.feed.adapters.binance_rest import BinanceRest
from services.feed.domain.quotes import Bar, Quote

PAGE = 1000
"""The most items one request gives."""

MOST_PAGES = 40
EXACT_MS = 600_000
"""So far back every trade is asked for; a busy pair has some 30,000 in ten minutes."""

KLINES_WEIGHT, TRADES_WEIGHT = 2, 4
MINUTE, SECOND = "1m", "1s"


async def read_bars(rest: BinanceRest, pair: str, *, from_s: int, count: int) -> Sequence[Bar]:
    """Page backwards through one-minute klines. Minutes without a trade are left out: they are no candles."""
    bars: dict[int, Bar] = {}
    until: dict[str, str | int] = {}
    for _ in range(MOST_PAGES):
        wanted = min(PAGE, count + 1 - len(bars))
        page = await rest.get(
            "klines", list[Kline], weight=KLINES_WEIGHT, symbol=pair, interval=MINUTE, limit=wanted, **until
        )
        kept = (row for row in page if row.trades and row.open_ms >= from_s * 1000)
        bars |= {row.open_ms // 1000: Bar(row.open_ms // 1000, row.open, row.high, row.low, row.close) for row in kept}
        if len(page) < wanted or len(bars) > count or page[0].open_ms <= from_s * 1000:
            break
        until = {"endTime": page[0].open_ms - 1}
    return [bars[open_s] for open_s in sorted(bars)]


async def read_quotes(rest: BinanceRest, pair: str, *, from_ms: int, now_ms: int) -> Sequence[Quote]:
    """Read all prices since a moment, marked as backfilled, oldest first; of one millisecond the last."""
    exact_ms = (now_ms - EXACT_MS) // 1000 * 1000
    prices: dict[int, float] = {}
    if from_ms < exact_ms:
        prices |= await _by_seconds(rest, pair, from_ms=from_ms, until_ms=exact_ms)
    prices |= await _by_trades(rest, pair, from_ms=max(from_ms, exact_ms))
    return [
        Quote(moment, price, price, is_backfilled=True) for moment, price in sorted(prices.items()) if moment >= from_ms
    ]


async def _by_seconds(rest: BinanceRest, pair: str, *, from_ms: int, until_ms: int) -> dict[int, float]:
    prices: dict[int, float] = {}
    start_ms = from_ms // 1000 * 1000
    while start_ms < until_ms:
        page = await rest.get(
            "klines",
            list[Kline],
            weight=KLINES_WEIGHT,
            symbol=pair,
            interval=SECOND,
            startTime=start_ms,
            endTime=until_ms - 1,
            limit=PAGE,
        )
        for row in page:
            prices |= dict(_path(row))
        if len(page) < PAGE:
            break
        start_ms = page[-1].open_ms + 1000
    return prices


def _path(row: Kline) -> Iterator[tuple[int, float]]:
    """Lay the prices of one second out in time; a price that only repeats the one before it is left out."""
    if not row.trades:
        return
    is_rising = row.close >= row.open
    between = (row.low, row.high) if is_rising else (row.high, row.low)
    steps = list(zip((0, 333, 666, 999), (row.open, *between, row.close), strict=True))
    yield row.open_ms, row.open
    for (_, before), (offset_ms, price) in pairwise(steps):
        if price != before:
            yield row.open_ms + offset_ms, price


async def _by_trades(rest: BinanceRest, pair: str, *, from_ms: int) -> dict[int, float]:
    """Page forwards by trade id; the rate of the budget is far above that of any pair, so this ends."""
    prices: dict[int, float] = {}
    since: dict[str, str | int] = {"startTime": from_ms}
    while True:
        page = await rest.get("aggTrades", list[Trade], weight=TRADES_WEIGHT, symbol=pair, limit=PAGE, **since)
        prices |= {trade.T: trade.p for trade in page}
        if len(page) < PAGE:
            return prices
        since = {"fromId": page[-1].a + 1}
