"""What the feed needs of a venue. A new venue is a class that keeps these promises."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import NamedTuple, Protocol, runtime_checkable

from chassis.errors import StartError, TransientError
from services.feed.domain.quotes import Bar, Quote
from services.feed.domain.sessions import Span
from services.feed.domain.ticks import BadInput


class VenueLostError(TransientError):
    """The connection could not be made, or is gone, or answers no more: make a new one."""


class VenueRefusedError(TransientError):
    """The venue refused one request; `code` is its word for why. The connection is sound."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class MarketClosedError(VenueRefusedError):
    """There are no live quotes now because the market is closed."""


class WrongVenueError(StartError):
    """The venue that was reached is not the one the settings describe; `setting` is the field to correct."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"SINYAL_FEED_{setting.upper()}: {message}")
        self.setting = setting


class Heard(NamedTuple):
    """A live quote of one of our symbols."""

    symbol: str
    quote: Quote


class Unheard(NamedTuple):
    """Something that arrived and is no quote: why it was dropped, and the symbol where it is known."""

    reason: BadInput
    symbol: str | None = None


class VenueSession(Protocol):
    """One connection to a venue. Symbols are ours (`XAUUSD`).

    `quotes` must be iterated all the while: it reads the connection, and with it the answers to all other calls, each
    of which raises VenueLostError when the connection ends before its answer or no answer comes in time.
    """

    def quotes(self) -> AsyncGenerator[Heard | Unheard, None]:
        """Read live quotes as they arrive, until the connection ends: then VenueLostError says why."""
        ...

    async def check(self) -> None:
        """Find out whether this venue speaks as the settings say and knows all our symbols.

        Raises WrongVenueError.
        """
        ...

    async def market_ms(self) -> int:
        """Ask for the venue's time, UTC milliseconds."""
        ...

    async def ping(self) -> float:
        """Ask for a sign of life; return how long it took in seconds."""
        ...

    async def hours(self, day: date) -> dict[str, tuple[Span, ...]]:
        """Ask for the trading hours of a UTC day by symbol; a symbol the venue says nothing about is left out."""
        ...

    async def history_bars(self, symbol: str, *, from_s: int, count: int) -> Sequence[Bar]:
        """Ask for the latest one-minute bars that open at `from_s` or later, at most `count` and the forming one.

        Raises VenueRefusedError.
        """
        ...

    async def history_quotes(self, symbol: str, *, from_ms: int) -> Sequence[Quote]:
        """Ask for all quotes from a moment until now, marked as backfilled, oldest first.

        Raises VenueRefusedError.
        """
        ...

    async def subscribe(self, symbol: str) -> None:
        """Ask for live quotes; asking twice is harmless.

        Raises MarketClosedError, VenueRefusedError.
        """
        ...


@runtime_checkable
class TellsMids(Protocol):
    """A session whose bars are of the very mids that its stream tells: what was told can be held against them.

    A venue whose history is of trades does not have this: its bars differ from ours by nature.
    """

    bars_are_mids: bool


class Venue(Protocol):
    """A venue that can be connected to, again and again."""

    @property
    def name(self) -> str:
        """What messages and metrics call it."""
        ...

    def connect(self) -> AbstractAsyncContextManager[VenueSession]:
        """Open one connection, closed with the context.

        Raises VenueLostError where that fails; WrongVenueError where it can never work.
        """
        ...
