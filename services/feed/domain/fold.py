"""Quotes into candles: a quote touches only its minute; M5, M15 and H1 are rolled up from closed M1.

Candles are aligned to UTC, leave in order (M1 before what it completes), each open time at most once per interval. A
minute without a quote has no candle. Measured: quote by quote a core folds 7 M quotes a second, in batches 10 to 14 M
(`benchmarks/candles.py`); touching four intervals per quote took six times as long as rolling up.
"""

from bisect import bisect_left
from collections.abc import Iterable
from copy import copy

from contracts.messages import Interval
from services.feed.domain.quotes import MINUTE_MS, Bar, Candle, Quote, Ticks, half, minute_of

GRACE_MS = 2_000
"""A candle closes this long after its end (market time) when no quote has closed it before."""

NEVER_MS = 1 << 62
"""Later than any moment of a market."""

ROLLED_UP = (Interval.M5, Interval.M15, Interval.H1)


class LateQuoteError(ValueError):
    """The minute of the quote is closed already; the candle that was told stays as it was told."""


class _Minute:
    """A minute that is not closed yet, in sums of bid and ask: halving and rounding keep their order, so that both are
    done once, when it closes. It is made of the sum it opens with, and counts what is added, which is that first."""

    __slots__ = ("end_ms", "high", "last", "low", "open", "start_ms", "volume")

    def __init__(self, epoch_ms: int, sides: float) -> None:
        self.start_ms = epoch_ms - epoch_ms % MINUTE_MS
        self.end_ms = self.start_ms + MINUTE_MS
        self.open = self.high = self.low = sides
        self.volume = 0
        self.last: Quote

    def add_run(self, ticks: Ticks, start: int) -> int:
        """Take those of its quotes that `ticks` has from `start` on, one at least; return the place of the next."""
        stop = bisect_left(ticks.epochs_ms, self.end_ms, start)
        high, low = self.high, self.low
        for bid, ask in zip(ticks.bids[start:stop], ticks.asks[start:stop], strict=True):
            sides = bid + ask
            if sides > high:
                high = sides
            elif sides < low:
                low = sides
        self.high, self.low, self.last = high, low, ticks[stop - 1]
        self.volume += stop - start
        return stop

    def closed(self) -> Candle:
        last = self.last
        is_backfilled = last.is_backfilled
        return Candle(
            Interval.M1,
            self.start_ms // 1000,
            half(self.open),
            half(self.high),
            half(self.low),
            half(last.bid + last.ask),
            self.volume,
            None if is_backfilled else last,
            is_backfilled,
        )


class _Longer:
    """The candle of an interval that closed minutes are rolled up into. While it has none, it never ends."""

    __slots__ = ("end_ms", "high", "interval", "last", "length_s", "low", "open", "open_s", "volume")

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self.length_s = interval.seconds
        self.end_ms = NEVER_MS
        self.last: Candle | None = None

    def add(self, minute: Candle) -> None:
        if self.last is None:
            self.open_s = minute.open_s - minute.open_s % self.length_s
            self.end_ms = (self.open_s + self.length_s) * 1000
            self.open, self.high, self.low = minute.open, minute.high, minute.low
            self.volume = 0
        elif minute.high > self.high:
            self.high = minute.high
        if minute.low < self.low:  # noqa: PLR1730 - calling min takes longer than all the rest
            self.low = minute.low
        self.volume += minute.volume
        self.last = minute

    def close(self) -> Candle:
        last, self.last, self.end_ms = self.last, None, NEVER_MS
        assert last is not None
        sides, is_backfilled = last.last, last.is_backfilled
        return Candle(
            self.interval, self.open_s, self.open, self.high, self.low, last.close, self.volume, sides, is_backfilled
        )


class Fold:
    """The candles of one symbol, fed in time order.

    `complete_from_ms` is where what is fed begins: a rolled-up candle that opened before it would lack its beginning
    and is left out. None: what is fed is all there is.
    """

    __slots__ = ("_closed_until_ms", "_complete_from_s", "_longer", "_minute")

    def __init__(self, *, complete_from_ms: int | None = None) -> None:
        self._complete_from_s = (complete_from_ms or 0) / 1000
        self._minute: _Minute | None = None
        self._longer = [_Longer(interval) for interval in ROLLED_UP]
        self._closed_until_ms = 0

    @property
    def closed_until_ms(self) -> int:
        """The end of the last closed minute: a quote before it is late."""
        return self._closed_until_ms

    @property
    def next_end_ms(self) -> int | None:
        """The end of the forming candle that ends first; None when nothing forms."""
        end_ms = min(longer.end_ms for longer in self._longer)
        if self._minute is not None:
            end_ms = min(end_ms, self._minute.end_ms)
        return None if end_ms == NEVER_MS else end_ms

    def add(self, quote: Quote) -> list[Candle]:
        """Take a quote; return the candles it closes.

        Raises:
            LateQuoteError: its minute is closed.
        """
        minute, closed = self._minute, []
        sides = quote.bid + quote.ask
        if minute is None or not minute.start_ms <= quote.epoch_ms < minute.end_ms:
            closed = self._make_way(quote.epoch_ms)
            minute = self._minute = _Minute(quote.epoch_ms, sides)
        elif sides > minute.high:
            minute.high = sides
        elif sides < minute.low:
            minute.low = sides
        minute.volume += 1
        minute.last = quote
        return closed

    def add_all(self, ticks: Ticks) -> list[Candle]:
        """Take quotes; return the candles they close. The same as `add` of each, at twice the speed.

        Raises:
            LateQuoteError: the minute of the first is closed; nothing was taken.
        """
        closed: list[Candle] = []
        place, count = 0, len(ticks)
        while place < count:
            minute, epoch_ms = self._minute, ticks.epochs_ms[place]
            if minute is None or not minute.start_ms <= epoch_ms < minute.end_ms:
                closed += self._make_way(epoch_ms)
                minute = self._minute = _Minute(epoch_ms, ticks.bids[place] + ticks.asks[place])
            place = minute.add_run(ticks, place)
        return closed

    def add_bar(self, bar: Bar, volume: int = 0) -> list[Candle]:
        """Take a closed minute of the venue's history; return the candles it closes, itself among them.

        It replaces what was folded of the same minute, of which only the volume is kept and added to.

        Raises:
            LateQuoteError: its minute is closed.
        """
        self._refuse_late(bar.open_s * 1000)
        minute = self._minute
        if minute is not None and minute.start_ms == bar.open_s * 1000:
            volume += minute.volume
            self._minute = None
        candle = Candle(Interval.M1, *bar, volume=volume, is_backfilled=True)
        return self._close_until(bar.open_s * 1000) + self._close_minute(candle, bar.end_ms)

    def restore(self, candle: Candle) -> None:
        """Take a closed M1 that was told before, oldest first, so that what rolls up from it goes on."""
        self._close_longer(candle.open_s * 1000)
        self._close_minute(candle, candle.end_ms)

    def revise(self, minutes: Iterable[Candle]) -> None:
        """Build what rolls up anew from corrected closed minutes, oldest first, which must reach back far enough."""
        forming = [longer for longer in self._longer if longer.last is not None]
        opens_s = [longer.close().open_s for longer in forming]
        for minute in minutes:
            for longer, open_s in zip(forming, opens_s, strict=True):
                if minute.open_s >= open_s:
                    longer.add(minute)

    def forming(self) -> list[Candle]:
        """Tell the candles that are not closed yet, as they stand, the shortest first."""
        if self._minute is None:
            return []
        minute = self._minute.closed()
        found = [minute, *(_draft(longer, minute) for longer in self._longer)]
        return [candle for candle in found if candle.open_s >= self._complete_from_s]

    def advance(self, now_ms: int, grace_ms: int = GRACE_MS) -> list[Candle]:
        """Close what ended `grace_ms` or longer before the market time `now_ms`."""
        return self._close_until(now_ms - grace_ms)

    def finish(self) -> list[Candle]:
        """Close everything, ended or not: there are no more quotes."""
        closed: list[Candle] = []
        while (end_ms := self.next_end_ms) is not None:
            closed += self._close_until(end_ms)
        return closed

    def _refuse_late(self, epoch_ms: int) -> None:
        from_ms = self._closed_until_ms if self._minute is None else self._minute.start_ms
        if epoch_ms < from_ms:
            raise LateQuoteError(f"the minute of {minute_of(epoch_ms)} is closed or was overtaken")

    def _make_way(self, epoch_ms: int) -> list[Candle]:
        """Close what a quote of another minute than the forming one closes. Raises LateQuoteError."""
        self._refuse_late(epoch_ms)
        return self._close_until(epoch_ms)

    def _close_until(self, until_ms: int) -> list[Candle]:
        minute = self._minute
        if minute is None or minute.end_ms > until_ms:
            return self._close_longer(until_ms)
        self._minute = None
        return self._close_minute(minute.closed(), until_ms)

    def _close_minute(self, candle: Candle, until_ms: int) -> list[Candle]:
        """Account for a closed M1; return it and the longer candles that end by `until_ms`, which it completes."""
        self._closed_until_ms = candle.open_s * 1000 + MINUTE_MS
        closed = [candle]
        for longer in self._longer:
            longer.add(candle)
            if longer.end_ms <= until_ms:
                self._tell(longer.close(), closed)
        return closed

    def _close_longer(self, until_ms: int) -> list[Candle]:
        closed: list[Candle] = []
        for longer in self._longer:
            if longer.end_ms <= until_ms:
                self._tell(longer.close(), closed)
        return closed

    def _tell(self, candle: Candle, closed: list[Candle]) -> None:
        if candle.open_s >= self._complete_from_s:
            closed.append(candle)


def _draft(longer: _Longer, minute: Candle) -> Candle:
    draft = copy(longer)
    draft.add(minute)
    return draft.close()
