"""What flows through the feed: quotes of a venue, bars of its history, candles of our own."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import le
from typing import Final, NamedTuple

from contracts.messages import Interval

MINUTE_MS = 60_000
MID_DECIMALS = 8
"""A mid needs one decimal more than its quotes. Eight keep seven-decimal venues exact and drop only binary noise."""


@dataclass(slots=True)
class Quote:
    """One price of a venue: UTC epoch in milliseconds, bid and ask in the quote currency. It is never changed.

    `is_backfilled` says that it was asked for afterwards. A venue whose history knows no sides (Deriv) has
    bid = ask = its price there: the mid stays exact and nothing is invented.
    """

    # Final instead of frozen: the type checker refuses a change as well, and making one takes a third of the time
    epoch_ms: Final[int]
    bid: Final[float]
    ask: Final[float]
    is_backfilled: Final[bool] = False

    @property
    def mid(self) -> float:
        """The price that candles are made of."""
        return half(self.bid + self.ask)

    def has_prices_of(self, other: "Quote") -> bool:
        """Tell whether both sides are the same."""
        return self.bid == other.bid and self.ask == other.ask


class Ticks:
    """Quotes in columns, oldest first: a stretch of a tape or of history. Quotes of one moment keep their order."""

    __slots__ = ("asks", "bids", "epochs_ms", "is_backfilled")

    def __init__(
        self, epochs_ms: Sequence[int], bids: Sequence[float], asks: Sequence[float], *, is_backfilled: bool = False
    ) -> None:
        """Pack columns. What is out of order is refused here, so that nobody else has to look.

        Raises:
            ValueError: time goes backwards, or a column is shorter than another.
        """
        if not len(epochs_ms) == len(bids) == len(asks):
            raise ValueError("a tick has a moment, a bid and an ask")
        if not all(map(le, epochs_ms, islice(epochs_ms, 1, None))):
            raise ValueError("ticks go backwards in time")
        self.epochs_ms: Final = array("q", epochs_ms)
        self.bids: Final = array("d", bids)
        self.asks: Final = array("d", asks)
        self.is_backfilled: Final = is_backfilled

    def __len__(self) -> int:
        """Count them."""
        return len(self.epochs_ms)

    def __getitem__(self, place: int) -> Quote:
        """Tell one of them."""
        return Quote(self.epochs_ms[place], self.bids[place], self.asks[place], self.is_backfilled)


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


@dataclass(slots=True)
class Candle:
    """A closed candle of the mid over `interval`, aligned to UTC. It is never changed.

    `volume` counts quotes. `last` is the quote it closed with; None where it ended in the venue's history, which
    `is_backfilled` says too.
    """

    interval: Final[Interval]
    open_s: Final[int]
    open: Final[float]
    high: Final[float]
    low: Final[float]
    close: Final[float]
    volume: Final[int]
    last: Final[Quote | None] = None
    is_backfilled: Final[bool] = False

    @property
    def end_ms(self) -> int:
        """The moment its interval ends, in milliseconds."""
        return (self.open_s + self.interval.seconds) * 1000


_SCALE = 10.0**MID_DECIMALS
_HALF_SCALE = _SCALE / 2
_EXACT = 2.0**49
"""Below this a product is off by less than a sixteenth."""
_WHOLE = 1.5 * 2.0**52
"""Floats near this are whole numbers: adding it and taking it away again rounds what is far smaller."""


def half(sides: float) -> float:
    """Make the mid of bid + ask: the half, rounded to `MID_DECIMALS`.

    It is `round(sides / 2, MID_DECIMALS)` to the last bit, in a quarter of its time: a whole number divided by a power
    of ten is the float nearest to the decimal. Near the middle of two decimals, and for huge prices, `round` decides.
    """
    scaled = sides * _HALF_SCALE
    whole = scaled + _WHOLE - _WHOLE
    if -0.4 < scaled - whole < 0.4 and 0.0 < scaled < _EXACT:
        return whole / _SCALE
    return round(sides / 2, MID_DECIMALS)


def minute_of(epoch_ms: int) -> int:
    """Find the start of the minute of a moment, in milliseconds."""
    return epoch_ms - epoch_ms % MINUTE_MS
