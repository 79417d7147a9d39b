"""What a strategy may look at: closed candles up to one of them, and the indicators that it asked for, there."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.signals.domain.candle import Candle

NOTHING: Mapping[str, Any] = {}


class View:
    """The market at the close of one candle.

    `now` holds the indicators at that candle and `before` those at the candle before it, by the names which the
    strategy gave them; every one is defined.
    """

    __slots__ = ("_length", "_place", "_rows", "before", "now")

    def __init__(
        self,
        rows: Sequence[Candle],
        place: int,
        length: int,
        now: Mapping[str, Any] = NOTHING,
        before: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Look at the candle at `place` of `rows` and at `length` candles that end with it."""
        self._rows = rows
        self._place = place
        self._length = length
        self.now = now
        self.before = before

    @classmethod
    def of(
        cls, candles: Sequence[Candle], *, now: Mapping[str, Any] = NOTHING, before: Mapping[str, Any] = NOTHING
    ) -> "View":
        """Return the view of all of `candles`, oldest first, such as a test writes them down."""
        return cls(candles, len(candles) - 1, len(candles), now, before)

    @property
    def candle(self) -> Candle:
        """The candle that has just closed."""
        return self._rows[self._place]

    @property
    def window(self) -> Sequence[Candle]:
        """The last `window_length` closed candles, oldest first; fewer where there are fewer."""
        return self._rows[max(0, self._place + 1 - self._length) : self._place + 1]
