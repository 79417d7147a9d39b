"""What a signal offers, worked out once for all its subscribers who have the same plan."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.messages import ChartLevels, SignalRaised
from services.positions.domain import money
from services.positions.domain.exits import Price
from services.positions.domain.gates import Offer
from services.positions.domain.instrument import Instrument
from services.positions.domain.plans import PLAIN, Bracket, Plan, reward_of, targets_of

MOST_MOVED = 0.3
"""Of the stop distance: when the price has moved further, a signal is not what it was. Source: section 4, "States"."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A signal at the price its positions open at, that of the quote of `quote_ms`. Distances are those of the signal;
    targets and R:R those of the plan.
    """

    signal: SignalRaised
    instrument: Instrument
    entry: float
    stop: float
    targets: tuple[float, ...]
    quote_ms: int
    rr: float
    plan: Plan = PLAIN

    @property
    def offer(self) -> Offer:
        """What the gates look at."""
        return Offer(self.signal.side, self.entry, self.quote_ms)

    @property
    def expires_at(self) -> datetime:
        """Until when the message may still be sent as fresh (wall clock)."""
        return self.signal.at + timedelta(seconds=self.signal.valid_for_s)

    @property
    def levels(self) -> ChartLevels:
        """What the chart draws beside the candles."""
        return ChartLevels(
            side=self.signal.side,
            entry=self.entry,
            stop=self.stop,
            targets=self.targets,
            mode=self.signal.mode,
            rr=self.rr,
            strength=self.signal.strength,
            score=self.signal.score,
        )

    def risk(self, lots: Decimal) -> Decimal:
        """Tell what is lost at the stop."""
        return money.risk(self.instrument, entry=self.entry, stop=self.stop, lots=lots)

    def with_plan(self, plan: Plan) -> "Terms":
        """Offer the same with the targets of a plan."""
        bracket = Bracket(side=self.signal.side, entry=self.entry, initial_stop=self.stop)
        targets = targets_of(plan, bracket, self.instrument, self.targets[0])
        rr = reward_of(plan, self.signal.rr) if len(targets) == len(plan.shares) else self.signal.rr
        return replace(self, plan=plan, targets=targets, rr=rr)

    def has_left(self, price: Price) -> bool:
        """Tell whether a later price is so far from the entry that the signal must be priced anew."""
        if price.epoch_ms <= self.quote_ms:
            return False
        return abs(price.opening(self.signal.side) - self.entry) > MOST_MOVED * abs(self.entry - self.stop)


def price_signal(signal: SignalRaised, instrument: Instrument, price: Price | None = None) -> Terms:
    """Open a signal at its quote, or at a later price: BUY at the ask, SELL at the bid, stop and targets moved by the
    same distance.
    """
    at = price or Price(signal.quote_ms, signal.bid, signal.ask)
    entry = at.opening(signal.side)
    shift = entry - signal.entry
    return Terms(
        signal=signal,
        instrument=instrument,
        entry=instrument.rounded(entry),
        stop=instrument.rounded(signal.stop + shift),
        targets=tuple(instrument.rounded(target + shift) for target in signal.targets),
        quote_ms=at.epoch_ms,
        rr=signal.rr,
    )
