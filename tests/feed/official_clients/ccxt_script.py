"""Drives the simulator with ccxt's Binance: `ccxt_script.py <http url> <ws url>`; prints one JSON object.

Runs in the clients' environment, so it imports nothing of ours.
"""

import asyncio
import json
import sys
from typing import Any

import ccxt.pro

SYMBOL = "PAXG/USDT"


def exchange_at(rest: str, stream: str) -> Any:
    """Make ccxt's Binance look for its spot market here."""
    exchange = ccxt.pro.binance({"options": {"fetchMarkets": {"types": ["spot"]}}, "timeout": 15_000})
    exchange.urls["api"]["public"] = f"{rest}/api/v3"
    exchange.urls["api"]["ws"]["spot"] = f"{stream}/ws"
    return exchange


async def refusal(exchange: Any) -> str:
    """Ask for a symbol that does not exist."""
    try:
        await exchange.public_get_klines({"symbol": "NOTHING", "interval": "1m"})
    except ccxt.BadSymbol as error:
        return type(error).__name__
    return "none"


async def main(rest: str, stream: str) -> None:
    """Read history, then watch prices, trades and candles."""
    exchange = exchange_at(rest, stream)
    try:
        await exchange.load_markets()
        told = {
            "time": await exchange.fetch_time(),
            "market": exchange.market(SYMBOL)["id"],
            "candles": await exchange.fetch_ohlcv(SYMBOL, "1m", limit=30),
            "trades": len(await exchange.fetch_trades(SYMBOL, limit=20)),
            "bids_asks": await exchange.fetch_bids_asks([SYMBOL]),
            "refusal": await refusal(exchange),
            "watched_bid": (await exchange.watch_bids_asks([SYMBOL]))[SYMBOL]["bid"],
            "watched_trade": (await exchange.watch_trades(SYMBOL))[0]["price"],
            "watched_candle": (await exchange.watch_ohlcv(SYMBOL, "1m"))[-1],
        }
    finally:
        await exchange.close()
    print(json.dumps(told))  # noqa: T201  # this is how it answers


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
