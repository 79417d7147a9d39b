"""What Binance lists here: the gold token, which the tape quotes, and neighbours whose trading is halted."""

from typing import NamedTuple

TICK_SIZE = "0.00010000"
STEP_SIZE = "0.00010000"


class Pair(NamedTuple):
    """One spot symbol; `instrument` is what a tape must quote for it to trade, None for never."""

    symbol: str
    base: str
    quote: str
    instrument: str | None


PAIRS = (
    Pair("PAXGUSDT", "PAXG", "USDT", "XAUUSD"),
    Pair("BTCUSDT", "BTC", "USDT", "BTCUSD"),
    Pair("ETHUSDT", "ETH", "USDT", "ETHUSD"),
)


def find_pair(symbol: str) -> Pair | None:
    """Find a pair by the venue's symbol (upper case); None where the venue does not know it."""
    return next((pair for pair in PAIRS if pair.symbol == symbol), None)
