"""The market behind the venue: one clock, one tape, and what of it has been told so far.

Market time is `live + (wall - wall at the start) * speed`; in a stepped market it is what it was last moved to.
`advance` moves the told moment to now and returns the spots in between; history never shows more than was told, so
history and the stream meet without a hole or a double.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.exchange import sessions
from sandbox.exchange.book import Book
from sandbox.exchange.day_sheet import Candle, DaySheet, Spot, roll_up
from sandbox.exchange.moments import find_start
from sandbox.exchange.quotes import DAY_MS, Tape

PRICE_DECIMALS = 3
QUIET_AFTER_MS = 60_000


@dataclass(frozen=True)
class Window:
    """A question about history: the latest `count` items between two epochs (seconds, both included)."""

    start: int
    end: int
    count: int


class Market:
    """The tape as a running market. Nothing here knows a protocol."""

    def __init__(
        self,
        tape: Tape,
        *,
        speed: float = 1.0,
        warmup_candles: int = 1000,
        start: str = "first",
        wall: Callable[[], float] = time.monotonic,
        is_stepped: bool = False,
    ) -> None:
        """Prepare a market that opens at the tape's live moment, or where `start` says in a recorded one.

        `start` is `first` (after `warmup_candles` minutes), `busiest` or an ISO time; see `moments`. A market that
        `is_stepped` stands still until `step_to` moves it.

        `wall` gives seconds and never goes back. Raises ValueError for a speed that is not above zero, TapeError.
        """
        if not 0 < speed < float("inf"):
            raise ValueError(f"speed {speed} must be a number greater than zero")
        self.speed = speed
        self.book = Book(tape, PRICE_DECIMALS)
        self._tape = tape
        self._wall = wall
        self.live_ms = find_start(tape, start, warmup_candles)
        self._started_at = wall()
        self.told_ms = self.live_ms
        self._stepped_ms = self.live_ms if is_stepped else None
        self._forming: dict[int, tuple[int, Candle | None]] = {}

    def start(self) -> None:
        """Set the clock to the live moment."""
        self._started_at = self._wall()

    @property
    def instrument(self) -> str:
        """The instrument the tape quotes."""
        return self._tape.symbol

    def now_ms(self) -> int:
        """Tell the market time in epoch milliseconds."""
        if self._stepped_ms is not None:
            return self._stepped_ms
        return self.live_ms + int((self._wall() - self._started_at) * self.speed * 1000)

    def step_to(self, moment_ms: int) -> None:
        """Move a stepped market on. Raises ValueError for another market, and for a moment in the past."""
        if self._stepped_ms is None:
            raise ValueError("this market runs by the clock: start it with --stepped to move it by hand")
        if moment_ms < self._stepped_ms:
            raise ValueError(f"the market is at {self._stepped_ms} and cannot go back to {moment_ms}")
        self._stepped_ms = moment_ms

    def seconds(self) -> float:
        """Tell the seconds that limits are counted by: the wall's, or those of a market that is moved by hand."""
        return self._wall() if self._stepped_ms is None else self._stepped_ms / 1000

    def is_open(self) -> bool:
        """Tell whether the market trades now: by the calendar, or because the tape quoted within the last minute."""
        now = self.now_ms()
        if self._tape.end_ms is not None and now > self._tape.end_ms:
            return False
        return sessions.is_open(now) or self._quoted_since(now - QUIET_AFTER_MS)

    def _quoted_since(self, moment_ms: int) -> bool:
        """A recorded tape may quote outside the calendar; the tape is what happened."""
        if self._tape.live_ms is not None:
            return False
        return next(self.book.spots(moment_ms, self.told_ms + 1), None) is not None

    async def prepare(self) -> None:
        """Load today, so that the market can open. Raises TapeError for a broken row."""
        await self.book.load(self.now_ms() // DAY_MS)

    async def look_ahead(self) -> None:
        """Load the day that comes next, so that midnight holds nobody up. Raises TapeError for a broken row."""
        tomorrow = self.now_ms() // DAY_MS + 1
        if not self.book.has(tomorrow):
            await self.book.load(tomorrow)

    def advance(self) -> list[Spot]:
        """Return the spots made since the last call, oldest first, and count them as told."""
        now = self.now_ms()
        spots = list(self.book.spots(self.told_ms + 1, now + 1))
        self.told_ms = max(now, self.told_ms)
        return spots

    def latest(self) -> Spot | None:
        """Find the last spot that was told; None where the tape has none yet."""
        for day in range(self.told_ms // DAY_MS, self.book.first_day - 1, -1):
            sheet = self.book.sheet(day)
            if end := sheet.first_at(self.told_ms + 1):
                return next(sheet.spots(end - 1, end))
        return None

    async def load_for(self, window: Window, granularity_s: int | None) -> None:
        """Load the days a question needs, newest first, so that answering it does not hold up the loop.

        `granularity_s` is None for ticks.
        """
        found = 0
        for day in self._days_back(window):
            sheet = await self.book.load(day)
            if granularity_s is None:
                found += len(self._spot_indexes(sheet, window))
            else:
                found += len(self._day_candles(sheet, window, granularity_s))
            if found >= window.count:
                return

    def spots(self, window: Window) -> list[Spot]:
        """Answer a question for ticks: the latest ones in the window that were told, oldest first."""
        found: list[Spot] = []
        for day in self._days_back(window):
            sheet = self.book.sheet(day)
            wanted = self._spot_indexes(sheet, window)[-(window.count - len(found)) :]
            found[:0] = sheet.spots(wanted.start, wanted.stop)
            if len(found) >= window.count:
                break
        return found

    def candles(self, window: Window, granularity_s: int) -> list[Candle]:
        """Answer a question for candles that open in the window, oldest first; the newest may still be forming."""
        found: list[Candle] = []
        for day in self._days_back(window):
            found[:0] = self._day_candles(self.book.sheet(day), window, granularity_s)
            if len(found) >= window.count:
                break
        return found[-window.count :]

    def _spot_indexes(self, sheet: DaySheet, window: Window) -> range:
        end_ms = min((window.end + 1) * 1000, self.told_ms + 1)
        return range(sheet.first_at(window.start * 1000), sheet.first_at(end_ms))

    def _day_candles(self, sheet: DaySheet, window: Window, granularity_s: int) -> list[Candle]:
        start = window.start - window.start % granularity_s
        whole = sheet.candles(granularity_s, self.told_ms + 1)
        return [candle for candle in whole if start <= candle.epoch <= window.end]

    def forming(self, granularity_s: int, spot: Spot) -> Candle:
        """Tell the candle as it stood right after `spot`. Cheap where asked in time order."""
        start = spot.epoch - spot.epoch % granularity_s
        told_ms, candle = self._forming.get(granularity_s, (0, None))
        if candle is None or candle.epoch != start or told_ms > spot.epoch_ms:
            told_ms, candle = start * 1000 - 1, None
        fresh = (_flat(item) for item in self.book.spots(told_ms + 1, spot.epoch_ms + 1))
        parts = [candle, *fresh] if candle else list(fresh)
        (candle,) = roll_up(parts, granularity_s)
        self._forming[granularity_s] = (spot.epoch_ms, candle)
        return candle

    def _days_back(self, window: Window) -> Iterator[int]:
        last = min(window.end * 1000, self.told_ms) // DAY_MS
        first = max(window.start * 1000 // DAY_MS, self.book.first_day)
        return iter(range(last, first - 1, -1))


def _flat(spot: Spot) -> Candle:
    return Candle(spot.epoch, spot.quote, spot.quote, spot.quote, spot.quote)
