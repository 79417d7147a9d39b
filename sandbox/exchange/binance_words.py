"""How Binance writes the market: prices as text with eight decimals, times in milliseconds.

Amounts are made up from the second, since a tape has none; they are never zero.
"""

from typing import Any

from sandbox.exchange.binance_history import Kline
from sandbox.exchange.binance_symbols import STEP_SIZE, TICK_SIZE, Pair
from sandbox.exchange.day_sheet import Spot

WEIGHT_PER_MINUTE = 6000
UPDATES_PER_SPOT = 10
"""Ids of book tickers leave room between two spots: for broken frames, which must look new."""


def price(value: float) -> str:
    """Write a price or an amount."""
    return f"{value:.8f}"


def amount(spot: Spot) -> float:
    """Make up how much was traded with a spot."""
    return (spot.epoch % 97 + 1) / 1000


def aggregate(spot: Spot) -> dict[str, Any]:
    """Write a spot as an aggregate trade. Its id is its second: ids rise, but not by one."""
    return {
        "a": spot.epoch,
        "p": price(spot.quote),
        "q": price(amount(spot)),
        "f": spot.epoch,
        "l": spot.epoch,
        "T": spot.epoch_ms,
        "m": is_buyer_maker(spot),
        "M": True,
    }


def past_trade(spot: Spot) -> dict[str, Any]:
    """Write a spot as a trade of `/api/v3/trades`."""
    return {
        "id": spot.epoch,
        "price": price(spot.quote),
        "qty": price(amount(spot)),
        "quoteQty": price(spot.quote * amount(spot)),
        "time": spot.epoch_ms,
        "isBuyerMaker": is_buyer_maker(spot),
        "isBestMatch": True,
    }


def is_buyer_maker(spot: Spot) -> bool:
    """Make up which side was waiting."""
    return spot.epoch % 2 == 0


def past_kline(kline: Kline, granularity_s: int) -> list[Any]:
    """Write a kline of `/api/v3/klines`."""
    candle, traded = kline.candle, kline.trades * 0.05
    return [
        candle.epoch * 1000,
        *(price(value) for value in candle[1:]),
        price(traded),
        (candle.epoch + granularity_s) * 1000 - 1,
        price(traded * candle.close),
        kline.trades,
        price(traded / 2),
        price(traded / 2 * candle.close),
        "0",
    ]


def live_kline(symbol: str, interval: str, kline: Kline, granularity_s: int, *, is_closed: bool) -> dict[str, Any]:
    """Write the body `k` of a kline event; `x` says that the kline is closed."""
    row = past_kline(kline, granularity_s)
    opened, high, low, close = row[1:5]
    return {
        "t": row[0],
        "T": row[6],
        "s": symbol,
        "i": interval,
        "f": kline.candle.epoch,
        "L": kline.candle.epoch + granularity_s - 1,
        "o": opened,
        "c": close,
        "h": high,
        "l": low,
        "v": row[5],
        "n": kline.trades,
        "x": is_closed,
        "q": row[7],
        "V": row[9],
        "Q": row[10],
        "B": "0",
    }


def book_ticker(pair: Pair, spot: Spot) -> dict[str, Any]:
    """Write the best bid and ask as the stream does: with an id that rises and, as in life, without any time."""
    size = price(amount(spot))
    return {
        "u": spot.epoch * UPDATES_PER_SPOT,
        "s": pair.symbol,
        "b": price(spot.bid),
        "B": size,
        "a": price(spot.ask),
        "A": size,
    }


def past_book_ticker(pair: Pair, spot: Spot | None) -> dict[str, Any]:
    """Write the best bid and ask as REST does; zeros where there is none."""
    bid, ask, size = (price(spot.bid), price(spot.ask), price(amount(spot))) if spot else (price(0),) * 3
    return {"symbol": pair.symbol, "bidPrice": bid, "bidQty": size, "askPrice": ask, "askQty": size}


def listing(pair: Pair, *, is_trading: bool) -> dict[str, Any]:
    """Write one symbol of `exchangeInfo`."""
    limits = {"minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": TICK_SIZE}
    lot = {"minQty": STEP_SIZE, "maxQty": "9000.00000000", "stepSize": STEP_SIZE}
    return {
        "symbol": pair.symbol,
        "status": "TRADING" if is_trading else "BREAK",
        "baseAsset": pair.base,
        "baseAssetPrecision": 8,
        "quoteAsset": pair.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", **limits},
            {"filterType": "LOT_SIZE", **lot},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
             "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }  # fmt: skip


def rate_limits() -> list[dict[str, Any]]:
    """Write the limits that `exchangeInfo` tells."""
    return [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_PER_MINUTE},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61_000},
    ]
