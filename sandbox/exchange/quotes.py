"""What a tape is made of: quotes in time order, and the word for a tape that cannot be read."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

DAY_MS = 86_400_000


class TapeError(ValueError):
    """A tape that cannot be replayed; the message names the file, the line and what would be right."""


class Quote(NamedTuple):
    """One quote: UTC epoch in milliseconds, bid and ask in USD per ounce."""

    epoch_ms: int
    bid: float
    ask: float


class Tape(Protocol):
    """Quotes of one symbol, oldest first, never going backwards in time."""

    @property
    def symbol(self) -> str:
        """The instrument, without a venue's prefix: `XAUUSD`."""
        ...

    @property
    def start_ms(self) -> int:
        """The moment of the earliest quote that can be read (UTC epoch milliseconds)."""
        ...

    @property
    def end_ms(self) -> int | None:
        """The moment of the last quote; None for a tape without an end."""
        ...

    @property
    def live_ms(self) -> int | None:
        """The moment a market should open at; None where the reader of the tape must choose it."""
        ...

    def quotes(self, start_ms: int | None = None, end_ms: int | None = None) -> Iterator[Quote]:
        """Read the quotes with `start_ms <= epoch_ms < end_ms`; None means the tape's own end.

        Raises TapeError at the first broken row of a recorded tape.
        """
        ...
