"""Which level a price crosses, and at what price the trade is then closed.

A BUY closes at the bid, a SELL at the ask. Target first, then stop. The exit is the first executable price at or
beyond the level: what lies between the two is slippage, and is told. Source: product specification, section 4.
"""

from dataclasses import dataclass

from contracts.messages import ExitReason, Side
from services.positions.domain.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Price:
    """The quote of one moment; `epoch_ms` is market time."""

    epoch_ms: int
    bid: float
    ask: float

    def opening(self, side: Side) -> float:
        """Tell at what price a trade opens: BUY at the ask, SELL at the bid."""
        return self.ask if side is Side.BUY else self.bid

    def closing(self, side: Side) -> float:
        """Tell at what price a trade closes: BUY at the bid, SELL at the ask."""
        return self.bid if side is Side.BUY else self.ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a trade ends. `level` was asked for, `price` was had, `slippage_pips` lies between them (never negative).

    `detected_late` says that the price was seen after the fact: fetched later, or passed while nobody looked.
    """

    reason: ExitReason
    level: float
    price: float
    slippage_pips: float
    closed_ms: int
    detected_late: bool = False


def crossed(side: Side, *, stop: float, target: float, price: Price) -> ExitReason | None:
    """Tell which level this price crosses; target first, None for neither."""
    executable = price.closing(side) * side.sign
    if executable >= target * side.sign:
        return ExitReason.TARGET
    if executable <= stop * side.sign:
        return ExitReason.STOP
    return None


def exit_at(
    instrument: Instrument, side: Side, *, reason: ExitReason, level: float, price: Price, detected_late: bool
) -> Exit:
    """Close at this price because `level` was crossed."""
    executable = price.closing(side)
    return Exit(
        reason=reason,
        level=level,
        price=executable,
        slippage_pips=instrument.pips(abs(executable - level)),
        closed_ms=price.epoch_ms,
        detected_late=detected_late,
    )
