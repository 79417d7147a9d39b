"""After slippage the market has to calm down before new signals are given. Times are market time.

Source: product specification, section 4, "Slippage": above 5 pips new signals on the symbol pause until 20 ticks in a
row have a normal spread. A gap in favour of a trade is not slippage.
"""

from dataclasses import dataclass

from contracts.messages import ExitReason
from services.positions.domain.exits import Exit, Price
from services.positions.domain.instrument import Instrument

MOST_SLIPPAGE_PIPS = 5.0
CALM_TICKS = 20
STOPS = frozenset({ExitReason.STOP, ExitReason.BREAK_EVEN, ExitReason.TRAILING})
"""Exits at a stop, whatever put it there."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Signals pause since a tick (`since_ms`), until one (`until_ms`; None: still). `slippage_pips` began it."""

    since_ms: int
    slippage_pips: float
    until_ms: int | None = None

    def holds(self, market_ms: int) -> bool:
        """Tell whether a signal of this quote falls into it."""
        return self.since_ms <= market_ms and (self.until_ms is None or market_ms < self.until_ms)


def begins_pause(end: Exit) -> bool:
    """Tell whether an exit is so far behind its level that signals must pause."""
    return end.reason in STOPS and end.slippage_pips > MOST_SLIPPAGE_PIPS


def calm_ticks(instrument: Instrument, price: Price, so_far: int) -> int:
    """Count the ticks in a row with a normal spread, this one included: back to none at a wide one."""
    return so_far + 1 if instrument.pips(price.ask - price.bid) <= instrument.max_spread_pips else 0
