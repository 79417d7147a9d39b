"""What is traded: how its prices are written, counted and turned into money."""

from dataclasses import dataclass
from decimal import Decimal


class UnknownInstrumentError(ValueError):
    """There is no such instrument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One symbol. `pip` is a distance in price, `contract_size` the units of one lot.

    `digits` are the decimals of its prices; `max_spread_pips` is what a signal may cost to enter.
    """

    symbol: str
    digits: int
    pip: float
    contract_size: Decimal
    max_spread_pips: float

    def rounded(self, price: float) -> float:
        """Write a price with the instrument's digits."""
        return round(price, self.digits)

    def pips(self, distance: float) -> float:
        """Count a distance in pips, to a hundredth of one."""
        return round(distance / self.pip, 2)


INSTRUMENTS = {
    "XAUUSD": Instrument(symbol="XAUUSD", digits=2, pip=0.10, contract_size=Decimal(100), max_spread_pips=10.0)
}
"""Source: product specification, section 1, "Words and units"."""


def find_instrument(symbol: str) -> Instrument:
    """Look an instrument up.

    Raises:
        UnknownInstrumentError: names the ones there are.
    """
    try:
        return INSTRUMENTS[symbol]
    except KeyError as e:
        raise UnknownInstrumentError(f"{symbol!r} is no instrument here: {', '.join(INSTRUMENTS)}") from e
