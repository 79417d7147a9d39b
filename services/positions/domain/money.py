"""Price into money. Prices are float, money is Decimal; the step from one to the other is made here only."""

from decimal import ROUND_HALF_EVEN, Decimal

from contracts.messages import Side
from services.positions.domain.instrument import Instrument

CENT = Decimal("0.01")


def exact(price: float) -> Decimal:
    """Take a price at its written value, not at its binary one: 4000.1 is 4000.1."""
    return Decimal(repr(price))


def pnl(instrument: Instrument, *, side: Side, entry: float, exit_price: float, lots: Decimal) -> Decimal:
    """Tell what a trade earned, to the cent: (exit − entry) × side × contract size × lots.

    2 USD of gold at 0.01 lot are 2.00. Source: product specification, section 1.
    """
    distance = (exact(exit_price) - exact(entry)) * side.sign
    return (distance * instrument.contract_size * lots).quantize(CENT, ROUND_HALF_EVEN)


def risk(instrument: Instrument, *, entry: float, stop: float, lots: Decimal) -> Decimal:
    """Tell what a trade loses at its stop, as a positive amount."""
    return (abs(exact(entry) - exact(stop)) * instrument.contract_size * lots).quantize(CENT, ROUND_HALF_EVEN)


def r_multiple(*, side: Side, entry: float, initial_stop: float, exit_price: float) -> float:
    """Measure a result by the risk it was taken with: −1 is the initial stop. Four decimals; 0 without a risk."""
    distance = abs(entry - initial_stop)
    return round((exit_price - entry) * side.sign / distance, 4) if distance else 0.0
