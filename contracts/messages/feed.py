"""What the feed says: ticks, candles, states, gaps."""

from contracts.messages.base import FeedState, Interval, Message


class Tick(Message, frozen=True, kw_only=True):
    """One quote of a venue. `epoch_ms` is the venue's time, `received_ms` ours."""

    symbol: str
    epoch_ms: int
    bid: float
    ask: float
    received_ms: int = 0
    backfilled: bool = False

    @property
    def mid(self) -> float:
        """The price that candles are made of."""
        return (self.bid + self.ask) / 2


class CandleClosed(Message, frozen=True, kw_only=True):
    """A closed candle of the mid. `volume` counts ticks; `bid` and `ask` are its last quote, None in venue history."""

    symbol: str
    interval: Interval
    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    bid: float | None = None
    ask: float | None = None
    quote_ms: int | None = None
    backfilled: bool = False


class CandleForming(Message, frozen=True, kw_only=True):
    """A candle that is not closed yet, as it stood at the quote of `quote_ms`. To look at, not to decide on."""

    symbol: str
    interval: Interval
    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    quote_ms: int


class CandleCorrected(Message, frozen=True, kw_only=True):
    """The venue's history differs from a candle that was told, and wins: the candle as it should have been.

    `was` is what had been told (open, high, low, close); None where no candle had been told. `volume` stays ours.
    """

    symbol: str
    interval: Interval
    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    was: tuple[float, float, float, float] | None = None


class FeedStateChanged(Message, frozen=True, kw_only=True):
    """The feed of one symbol entered a state. `since_ms` is market time.

    LIVE is a promise: a quote, or another state, follows within 10 s of silence in an open market (at market speed 1).
    Who hears neither for 15 s of wall time while LIVE was the last word must take the feed for dead: a killed process
    says nothing.
    """

    symbol: str
    venue: str
    state: FeedState
    reason: str
    since_ms: int


class GapRecorded(Message, frozen=True, kw_only=True):
    """A hole that the venue could not fill: [from_ms, to_ms) has no prices, and none were invented."""

    symbol: str
    from_ms: int
    to_ms: int
    reason: str


class Quote(Message, frozen=True, kw_only=True):
    """The latest price of a symbol, for people who look."""

    symbol: str
    epoch_ms: int
    bid: float
    ask: float
    state: FeedState
