"""What the signals room needs from outside, and the errors that may come back."""

from typing import Protocol

from contracts.messages import CandleClosed, FeedState, Interval, SignalRaised


class MarketArchive(Protocol):
    """What the broker keeps of the market."""

    async def latest_candles(self, symbol: str, interval: Interval, count: int) -> list[CandleClosed]:
        """Return the newest `count` candles, oldest first; fewer where there are fewer. Raises TransientError."""
        ...

    async def feed_state(self, symbol: str) -> FeedState | None:
        """Return the state the feed of `symbol` was last in, or None when none was told. Raises TransientError."""
        ...


class SignalRecord(Protocol):
    """The record of all signals, kept for ever."""

    async def append(self, signal: SignalRaised) -> bool:
        """Store a signal; return False where one of its id is stored already. Raises TransientError."""
        ...
