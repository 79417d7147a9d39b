"""What a strategy may look at: closed candles up to one of them, and the indicators that it asked for, there."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from services.signals.domain.candle import Candle

Values = Any
"""Indicators at one candle: a named tuple, in the order in which the strategy names them; None where undefined."""


@cache
def record_named(names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    """Return the class of `Values` with these names. Raises ValueError for a name that is no name of a field."""
    return namedtuple("Indicators", names)


def values_of(names: tuple[str, ...], values: Iterable[Any]) -> Values:
    """Return `values` under `names`."""
    # The plain constructor of a named tuple costs twice as much as this one, and one is made for every candle.
    return tuple.__new__(record_named(names), values)


NOTHING: Values = values_of((), ())


class View:
    """The market at the close of one candle.

    `now` holds the indicators at that candle and `before` those at the candle before it, by the names which the
    strategy gave them (`view.now.rsi`); every one is defined. `values` and `values_before` are the same without names,
    in the strategy's own order: what a search asks a million times reads those. A view is lent for one call: what is
    kept of it may show another candle later.
    """

    __slots__ = ("_before_as", "_length", "_now_as", "_place", "_rows", "values", "values_before")

    def __init__(
        self, rows: Sequence[Candle], place: int, length: int, now: Values = NOTHING, before: Values = NOTHING
    ) -> None:
        """Look at the candle at `place` of `rows` and at `length` candles that end with it."""
        self._rows = rows
        self._place = place
        self._length = length
        self._now_as, self._before_as = type(now), type(before)
        self.values: tuple[Any, ...] = now
        self.values_before: tuple[Any, ...] = before

    @classmethod
    def of(
        cls, candles: Sequence[Candle], *, now: Mapping[str, Any] | None = None, before: Mapping[str, Any] | None = None
    ) -> "View":
        """Return the view of all of `candles`, oldest first, such as a test writes them down."""
        return cls(candles, len(candles) - 1, len(candles), _named(now or {}), _named(before or {}))

    @property
    def now(self) -> Values:
        """The indicators at this candle, by name."""
        return tuple.__new__(self._now_as, self.values)

    @property
    def before(self) -> Values:
        """The indicators at the candle before, by name."""
        return tuple.__new__(self._before_as, self.values_before)

    @property
    def candle(self) -> Candle:
        """The candle that has just closed."""
        return self._rows[self._place]

    @property
    def window(self) -> Sequence[Candle]:
        """The last `window_length` closed candles, oldest first; fewer where there are fewer."""
        return self._rows[max(0, self._place + 1 - self._length) : self._place + 1]


def _named(values: Mapping[str, Any]) -> Values:
    return values_of(tuple(values), values.values())
