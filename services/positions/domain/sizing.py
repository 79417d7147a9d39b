"""How large a position is.

Source: product specification, section 4: fixed lots, or floor(balance × risk % / (stop distance × contract size)) to
0.01 steps, 0.01 to 1.00.
"""

from decimal import ROUND_FLOOR, Decimal

from services.positions.domain.instrument import Instrument
from services.positions.domain.money import exact
from services.positions.domain.preferences import Preferences

STEP = Decimal("0.01")
LEAST = Decimal("0.01")
MOST = Decimal("1.00")


def lots_of(fixed: Decimal, preferences: Preferences, instrument: Instrument, *, entry: float, stop: float) -> Decimal:
    """Tell the lots: by risk where a balance and a risk were chosen, else the fixed ones."""
    distance = abs(exact(entry) - exact(stop))
    if preferences.balance is None or preferences.risk_percent is None or distance == 0:
        return fixed
    at_risk = preferences.balance * preferences.risk_percent / 100
    lots = (at_risk / (distance * instrument.contract_size)).quantize(STEP, ROUND_FLOOR)
    return min(max(lots, LEAST), MOST)
