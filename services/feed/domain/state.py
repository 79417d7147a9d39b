"""The states of a symbol's feed as a table: what is not in it changes nothing."""

from enum import Enum, auto

from contracts.messages import FeedState

LEAST_WALL_S = 2.0
"""A sandbox whose market runs fast would call every scheduling pause a silence; this much wall time is none."""

GRACE_WALL_S = 0.25
"""The same for the grace of a candle: quotes of a fast market may be this late on the wall."""


class Happening(Enum):
    """What can happen to the feed of a symbol."""

    LOST = auto()
    """The connection is gone, or there is none yet, and the market may be open."""
    FILLING = auto()
    """Prices are missing and are being asked for."""
    CAUGHT_UP = auto()
    """Nothing is missing and prices are fresh."""
    QUOTED = auto()
    """A live quote arrived."""
    SILENT = auto()
    """No quote for too long while the market is open."""
    SHUT = auto()
    """The market is closed."""


_TABLE: dict[tuple[FeedState, Happening], FeedState] = {
    (FeedState.RECONNECTING, Happening.FILLING): FeedState.BACKFILLING,
    (FeedState.RECONNECTING, Happening.SHUT): FeedState.CLOSED,
    (FeedState.BACKFILLING, Happening.CAUGHT_UP): FeedState.LIVE,
    (FeedState.BACKFILLING, Happening.SILENT): FeedState.STALE,
    (FeedState.BACKFILLING, Happening.SHUT): FeedState.CLOSED,
    (FeedState.BACKFILLING, Happening.LOST): FeedState.RECONNECTING,
    (FeedState.LIVE, Happening.SILENT): FeedState.STALE,
    (FeedState.LIVE, Happening.FILLING): FeedState.BACKFILLING,
    (FeedState.LIVE, Happening.SHUT): FeedState.CLOSED,
    (FeedState.LIVE, Happening.LOST): FeedState.RECONNECTING,
    (FeedState.STALE, Happening.CAUGHT_UP): FeedState.LIVE,
    (FeedState.STALE, Happening.QUOTED): FeedState.LIVE,
    (FeedState.STALE, Happening.FILLING): FeedState.BACKFILLING,
    (FeedState.STALE, Happening.SHUT): FeedState.CLOSED,
    (FeedState.STALE, Happening.LOST): FeedState.RECONNECTING,
    (FeedState.CLOSED, Happening.CAUGHT_UP): FeedState.LIVE,
    (FeedState.CLOSED, Happening.QUOTED): FeedState.LIVE,
    (FeedState.CLOSED, Happening.SILENT): FeedState.STALE,
    (FeedState.CLOSED, Happening.LOST): FeedState.RECONNECTING,
}


def after(state: FeedState, happening: Happening) -> FeedState:
    """Tell the state that follows; the same one where the table has no entry."""
    return _TABLE.get((state, happening), state)


def silence_limit_s(market_limit_s: float, speed: float) -> float:
    """Convert a limit of silence from market seconds to wall seconds.

    At speed 1 they are the same. A sandbox's market is `speed` times faster, so the limit would fall below what a
    scheduler may pause: it never falls below two wall seconds.
    """
    return max(market_limit_s / speed, LEAST_WALL_S)


def grace_ms(market_grace_ms: int, speed: float) -> int:
    """Stretch the grace of a candle (market milliseconds) so that it is never under a quarter of a wall second."""
    return max(market_grace_ms, int(GRACE_WALL_S * 1000 * speed))
