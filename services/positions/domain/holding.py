"""A position as it lies in the store, and what its end comes to."""

from dataclasses import dataclass
from decimal import Decimal

from contracts.messages import Mode, Side
from services.positions.domain import money
from services.positions.domain.exits import Exit
from services.positions.domain.instrument import Instrument
from services.positions.domain.life import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One subscriber's position, with what is needed to tell him of it. `exit` waits here while it is parked."""

    position_id: str
    subscriber_id: int
    chat_id: int
    language: str
    time_zone: str
    signal_id: str
    symbol: str
    side: Side
    mode: Mode
    state: State
    entry: float
    initial_stop: float
    stop: float
    targets: tuple[float, ...]
    lots: Decimal
    quote_ms: int
    version: int
    exit: Exit | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A position at its end: how, what it earned, and in R."""

    holding: Holding
    exit: Exit
    pnl: Decimal
    r: float


def close(holding: Holding, instrument: Instrument, end: Exit) -> Closing:
    """Work out what a position earned."""
    side, entry, lots = holding.side, holding.entry, holding.lots
    return Closing(
        holding=holding,
        exit=end,
        pnl=money.pnl(instrument, side=side, entry=entry, exit_price=end.price, lots=lots),
        r=money.r_multiple(side=side, entry=entry, initial_stop=holding.initial_stop, exit_price=end.price),
    )
