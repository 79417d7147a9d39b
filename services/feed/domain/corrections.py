"""What was told, beside what the venue's history says afterwards: where they differ, the venue wins.

Told candles are never taken back: open times strictly increase for who reads them. A correction is a fact of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from contracts.messages import Interval
from services.feed.domain.fold import ROLLED_UP
from services.feed.domain.quotes import Bar, Candle

KEPT_MINUTES = 180
"""Enough to rebuild every candle that a corrected minute of the last two hours is part of."""


class Correction(NamedTuple):
    """The candle as it should have been, and as it was told; None: it was never told."""

    candle: Candle
    was: Candle | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The newest closed minutes as they are now believed, by open time in seconds, oldest first. Nothing is changed."""

    minutes: tuple[Candle, ...] = ()

    def take(self, closed: Iterable[Candle]) -> "Ledger":
        """Note what was told; only minutes are kept."""
        new = tuple(candle for candle in closed if candle.interval is Interval.M1)
        return Ledger((*self.minutes, *new)[-KEPT_MINUTES:]) if new else self

    def revise(
        self, bars: Iterable[Bar], *, until_ms: int, tolerance: float
    ) -> tuple["Ledger", tuple[Correction, ...]]:
        """Lay the venue's bars that end by `until_ms` beside what was told; `tolerance` is in price.

        Returns the ledger as the venue has it and what to tell: minutes first, each interval oldest first. A longer
        candle is corrected where it is closed by then and all of it is known.
        """
        told = {candle.open_s: candle for candle in self.minutes}
        minutes = tuple(self._differing(told, bars, until_ms, tolerance))
        if not minutes:
            return self, ()
        believed = told | {found.candle.open_s: found.candle for found in minutes}
        now = tuple(believed[open_s] for open_s in sorted(believed))
        rolled = [
            found for interval in ROLLED_UP for found in self._longer(interval, minutes, now, until_ms, tolerance)
        ]
        return Ledger(now[-KEPT_MINUTES:]), (*minutes, *rolled)

    def _differing(
        self, told: dict[int, Candle], bars: Iterable[Bar], until_ms: int, tolerance: float
    ) -> Iterable[Correction]:
        if not self.minutes:
            return
        for bar in sorted(bars):
            if not self.minutes[0].open_s <= bar.open_s or bar.end_ms > until_ms or not bar.is_sound:
                continue
            was = told.get(bar.open_s)
            if was is None or is_far(bar[1:], prices_of(was), tolerance):
                yield Correction(Candle(Interval.M1, *bar, was.volume if was else 0, is_backfilled=True), was)

    def _longer(
        self,
        interval: Interval,
        minutes: Sequence[Correction],
        now: Sequence[Candle],
        until_ms: int,
        tolerance: float,
    ) -> Iterable[Correction]:
        for open_s in sorted({found.candle.open_s - found.candle.open_s % interval.seconds for found in minutes}):
            is_closed = (open_s + interval.seconds) * 1000 <= until_ms
            if not is_closed or open_s < self.minutes[0].open_s:
                continue
            was, found = roll_up(interval, open_s, self.minutes), roll_up(interval, open_s, now)
            if found is not None and (was is None or is_far(prices_of(found), prices_of(was), tolerance)):
                yield Correction(found, was)


def roll_up(interval: Interval, open_s: int, minutes: Iterable[Candle]) -> Candle | None:
    """Make the candle that opens at `open_s` of its minutes, oldest first; None where there are none of it."""
    parts = [minute for minute in minutes if open_s <= minute.open_s < open_s + interval.seconds]
    if not parts:
        return None
    return replace(
        parts[-1],
        interval=interval,
        open_s=open_s,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        volume=sum(part.volume for part in parts),
    )


def prices_of(candle: Candle) -> tuple[float, float, float, float]:
    """Tell open, high, low and close."""
    return candle.open, candle.high, candle.low, candle.close


def is_far(prices: Sequence[float], others: Sequence[float], tolerance: float) -> bool:
    """Tell whether any price differs by more than `tolerance`; binary noise is no difference."""
    return any(abs(price - other) > tolerance * 1.001 for price, other in zip(prices, others, strict=True))
