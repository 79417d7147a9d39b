"""The closed candle: the only thing a strategy may look at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices of one closed interval.

    Prices are mid prices in the instrument's quote currency; `volume` is the number of ticks that made the candle;
    `open_time_s` is the venue's epoch in seconds at which the interval begins, and names the candle.
    """

    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float
