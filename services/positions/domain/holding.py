"""A position as it lies in the store, and what its parts and its end come to."""

from dataclasses import dataclass, field
from decimal import Decimal

from contracts.messages import ExitReason, Mode, Side
from services.positions.domain import money
from services.positions.domain.exits import Exit
from services.positions.domain.hearing import Hearing
from services.positions.domain.instrument import Instrument
from services.positions.domain.life import State
from services.positions.domain.plans import PLAIN, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A part of a position that was closed at a target. `number` counts the targets from 1; `share` is of the whole.

    A part of the smallest lot may be less than a broker would take: shares are kept exact, so that a result in R is
    the same for everybody.
    """

    number: int
    share: Decimal
    exit: Exit
    pnl: Decimal
    r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One subscriber's position, with what is needed to tell him of it. `exit` waits here while it is parked.

    `stop_reason` says what put the stop where it is; `legs` are the targets that were reached. `hearing` and
    `wants_dashboard` are what its owner chose last.
    """

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
    plan: Plan = PLAIN
    stop_reason: ExitReason = ExitReason.STOP
    legs: tuple[Leg, ...] = ()
    hearing: Hearing = field(default_factory=Hearing)
    wants_dashboard: bool = False

    @property
    def shares(self) -> tuple[Decimal, ...]:
        """What each of the targets closes."""
        shares = self.plan.shares
        return shares if len(shares) == len(self.targets) else (Decimal(1),)

    @property
    def share_left(self) -> Decimal:
        """What is not closed yet."""
        return Decimal(1) - sum((leg.share for leg in self.legs), Decimal(0))

    @property
    def realised(self) -> Decimal:
        """What the closed parts earned."""
        return sum((leg.pnl for leg in self.legs), Decimal(0))

    @property
    def realised_r(self) -> float:
        """What the closed parts earned, in R of the whole."""
        return sum(leg.r for leg in self.legs)


@dataclass(frozen=True, slots=True)
class Closing:
    """A position at its end: how, what it earned with all its parts, and in R."""

    holding: Holding
    exit: Exit
    pnl: Decimal
    r: float


def earned(holding: Holding, instrument: Instrument, price: float, share: Decimal) -> tuple[Decimal, float]:
    """Work out what a share of a position earns at a price: money to the cent, and R of the whole."""
    side, entry = holding.side, holding.entry
    pnl = money.pnl(instrument, side=side, entry=entry, exit_price=price, lots=holding.lots * share)
    r = money.r_multiple(side=side, entry=entry, initial_stop=holding.initial_stop, exit_price=price)
    return pnl, round(r * float(share), 4)


def part(holding: Holding, instrument: Instrument, end: Exit) -> Leg | None:
    """Work out what a target closed; None where it is not the next one: it was told before."""
    number = len(holding.legs) + 1
    if number >= len(holding.targets) or holding.targets[number - 1] != end.level:
        return None
    share = holding.shares[number - 1]
    pnl, r = earned(holding, instrument, end.price, share)
    return Leg(number=number, share=share, exit=end, pnl=pnl, r=r)


def close(holding: Holding, instrument: Instrument, end: Exit) -> Closing:
    """Work out what a position earned."""
    pnl, r = earned(holding, instrument, end.price, holding.share_left)
    return Closing(holding, end, holding.realised + pnl, round(holding.realised_r + r, 4))
