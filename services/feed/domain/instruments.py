"""The instruments that the feed knows without being told."""

from dataclasses import dataclass

from services.feed.domain.sessions import METALS, WeekHours


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the feed must know of a symbol.

    `digits` are decimals of its price, `pip` is in price. A spread over `max_spread_pips` is a fault of the venue: far
    above what news does to gold, since a wide but real quote must reach the positions, whose own gate is stricter.
    `hours` None: never closed.
    """

    digits: int
    pip: float
    max_spread_pips: float = 100.0
    hours: WeekHours | None = METALS

    @property
    def max_spread(self) -> float:
        """The widest spread that is believed, in price."""
        return self.max_spread_pips * self.pip


HOURS: dict[str, WeekHours | None] = {"metals": METALS, "always": None}

KNOWN: dict[str, Instrument] = {
    "XAUUSD": Instrument(digits=2, pip=0.10),
    "XAGUSD": Instrument(digits=3, pip=0.01),
    "BTCUSD": Instrument(digits=2, pip=1.0, hours=None),
    "BTCUSDT": Instrument(digits=2, pip=1.0, hours=None),
    "PAXGUSDT": Instrument(digits=2, pip=0.10, hours=None),  # a gold token: it never closes
}
