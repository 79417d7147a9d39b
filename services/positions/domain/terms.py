"""What a signal offers, worked out once for all its subscribers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.messages import ChartLevels, SignalRaised
from services.positions.domain import money
from services.positions.domain.exits import Price
from services.positions.domain.gates import Offer
from services.positions.domain.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Terms:
    """A signal at the price its positions open at. Distances, and so R:R, are those of the signal."""

    signal: SignalRaised
    instrument: Instrument
    entry: float
    stop: float
    targets: tuple[float, ...]

    @property
    def offer(self) -> Offer:
        """What the gates look at."""
        return Offer(self.signal.side, self.entry, self.signal.quote_ms)

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
            rr=self.signal.rr,
            strength=self.signal.strength,
            score=self.signal.score,
        )

    def risk(self, lots: Decimal) -> Decimal:
        """Tell what is lost at the stop."""
        return money.risk(self.instrument, entry=self.entry, stop=self.stop, lots=lots)


def price_signal(signal: SignalRaised, instrument: Instrument) -> Terms:
    """Open a signal at its quote: BUY at the ask, SELL at the bid, stop and targets moved by the same distance."""
    entry = Price(signal.quote_ms, signal.bid, signal.ask).opening(signal.side)
    shift = entry - signal.entry
    return Terms(
        signal=signal,
        instrument=instrument,
        entry=instrument.rounded(entry),
        stop=instrument.rounded(signal.stop + shift),
        targets=tuple(instrument.rounded(target + shift) for target in signal.targets),
    )
