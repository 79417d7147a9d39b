"""What flows through the feed: quotes of a venue, bars of its history, candles of our own."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from contracts.messages import Interval

MINUTE_MS = 60_000
MID_DECIMALS = 8
"""A mid needs one decimal more than its quotes. Eight keep seven-decimal venues exact and drop only binary noise."""


class Quote(NamedTuple):
    """One price of a venue: UTC epoch in milliseconds, bid and ask in the quote currency.

    `is_backfilled` says that it was asked for afterwards. A venue whose history knows no sides (Deriv) has
    bid = ask = its price there: the mid stays exact and nothing is invented.
    """

    epoch_ms: int
    bid: float
    ask: float
    is_backfilled: bool = False

    @property
    def mid(self) -> float:
        """The price that candles are made of."""
        return round((self.bid + self.ask) / 2, MID_DECIMALS)


class Bar(NamedTuple):
    """A one-minute candle of a venue's history, which tells no volume. It opens at `open_s`, UTC, whole minutes."""

    open_s: int
    open: float
    high: float
    low: float
    close: float

    @property
    def end_ms(self) -> int:
        """The moment its minute ends, in milliseconds."""
        return self.open_s * 1000 + MINUTE_MS

    @property
    def is_sound(self) -> bool:
        """Whether it can be a candle at all: positive, aligned, nothing outside of low and high."""
        lowest, highest = min(self.open, self.close), max(self.open, self.close)
        return self.open_s % 60 == 0 and 0 < self.low <= lowest <= highest <= self.high < math.inf


@dataclass(frozen=True, slots=True)
class Candle:
    """A closed candle of the mid over `interval`, aligned to UTC.

    `volume` counts quotes. `last` is the quote it closed with; None where it ended in the venue's history, which
    `is_backfilled` says too.
    """

    interval: Interval
    open_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    last: Quote | None = None
    is_backfilled: bool = False

    @property
    def end_ms(self) -> int:
        """The moment its interval ends, in milliseconds."""
        return (self.open_s + self.interval.seconds) * 1000


def minute_of(epoch_ms: int) -> int:
    """Find the start of the minute of a moment, in milliseconds."""
    return epoch_ms - epoch_ms % MINUTE_MS
