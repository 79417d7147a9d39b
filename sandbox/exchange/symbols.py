"""What the venue lists: gold, which the tape quotes, and neighbours that it names without quoting them."""

from typing import NamedTuple


class Listing(NamedTuple):
    """One symbol of the venue; `pip` is its smallest step as the venue writes it, `decimals` the digits of its pip."""

    symbol: str
    instrument: str
    name: str
    market: str
    market_name: str
    submarket: str
    submarket_name: str
    pip: float
    decimals: int


LISTINGS = (
    Listing("frxXAUUSD", "XAUUSD", "Gold/USD", "commodities", "Commodities", "metals", "Metals", 0.01, 2),
    Listing("frxXAGUSD", "XAGUSD", "Silver/USD", "commodities", "Commodities", "metals", "Metals", 0.0001, 4),
    Listing("frxEURUSD", "EURUSD", "EUR/USD", "forex", "Forex", "major_pairs", "Major Pairs", 0.00001, 5),
)


def find_listing(symbol: str) -> Listing | None:
    """Find a listing by the venue's symbol; None where the venue does not know it."""
    return next((listing for listing in LISTINGS if listing.symbol == symbol), None)
