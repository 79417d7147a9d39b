"""The closed candles of one series that are kept in memory: strictly increasing, and never more than a fixed number."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

from services.signals.domain.candle import Candle

_open_time_s = attrgetter("open_time_s")


class CandleHistory:
    """The newest `cap` candles of one symbol and interval, oldest first, each once."""

    __slots__ = ("_candles", "cap", "revision")

    def __init__(self, cap: int) -> None:
        """Keep at most `cap` candles, and none yet."""
        self.cap = cap
        self.revision = 0
        self._candles: list[Candle] = []

    @property
    def rows(self) -> Sequence[Candle]:
        """The candles, oldest first; not a copy."""
        return self._candles

    def __len__(self) -> int:
        """Return how many candles are kept."""
        return len(self._candles)

    @property
    def latest(self) -> Candle | None:
        """Return the newest candle, or None before the first."""
        return self._candles[-1] if self._candles else None

    def add(self, candle: Candle) -> bool:
        """Take a candle at its place in time; return False where one of that time is held, or where it is too old.

        The first candle of a time wins: a candle is closed once. One may come late, when an earlier attempt to handle
        it failed, and then goes between its neighbours.
        """
        place = bisect_left(self._candles, candle.open_time_s, key=_open_time_s)
        is_known = place < len(self._candles) and self._candles[place].open_time_s == candle.open_time_s
        if is_known or (place == 0 and len(self._candles) == self.cap):
            return False
        self.revision += place < len(self._candles)  # what was read before is no longer the whole past
        self._candles.insert(place, candle)
        del self._candles[: -self.cap]
        return True

    def place_of(self, open_time_s: int) -> int:
        """Return the place in `rows` of the candle that opened at `open_time_s`. Raises LookupError without one."""
        place = bisect_left(self._candles, open_time_s, key=_open_time_s)
        if place == len(self._candles) or self._candles[place].open_time_s != open_time_s:
            raise LookupError(f"no candle opened at {open_time_s}")
        return place

    def window(self, length: int, *, until_s: int | None = None) -> list[Candle]:
        """Return the last `length` candles up to and including the one that opened at `until_s` (None: the newest).

        Fewer where there are fewer; empty where no candle opened at `until_s`.
        """
        if until_s is None:
            return self._candles[-length:]
        try:
            end = self.place_of(until_s) + 1
        except LookupError:
            return []
        return self._candles[max(0, end - length) : end]
