"""The venue's memory: day sheets of a tape, made when they are needed and kept while they are used.

Making a sheet takes up to a second, so it is made in a thread; reading one that is there costs nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator

from sandbox.exchange.day_sheet import DaySheet, Spot
from sandbox.exchange.quotes import DAY_MS, Tape

KEPT_DAYS = 20


class Book:
    """All spots of one tape by UTC day. A day is its number since 1970."""

    def __init__(self, tape: Tape, decimals: int) -> None:
        """Read from `tape`, with prices at `decimals`."""
        self._tape = tape
        self._decimals = decimals
        self._sheets: OrderedDict[int, DaySheet] = OrderedDict()
        self._making = asyncio.Lock()

    @property
    def first_day(self) -> int:
        """The day of the tape's first quote."""
        return self._tape.start_ms // DAY_MS

    def has(self, day: int) -> bool:
        """Tell whether a day can be read without waiting."""
        return day in self._sheets

    def sheet(self, day: int) -> DaySheet:
        """Read a day, making it on the spot where it is missing. Raises TapeError for a broken row."""
        if day not in self._sheets:
            self._keep(day, self._make(day))
        self._sheets.move_to_end(day)
        return self._sheets[day]

    async def load(self, day: int) -> DaySheet:
        """Read a day, making it in a thread where it is missing. Raises TapeError for a broken row."""
        async with self._making:
            if day not in self._sheets:
                self._keep(day, await asyncio.to_thread(self._make, day))
        return self.sheet(day)

    def spots(self, start_ms: int, end_ms: int) -> Iterator[Spot]:
        """Read the spots with `start_ms <= epoch_ms < end_ms`, oldest first."""
        for day in range(start_ms // DAY_MS, (end_ms - 1) // DAY_MS + 1):
            sheet = self.sheet(day)
            yield from sheet.spots(sheet.first_at(start_ms), sheet.first_at(end_ms))

    def _make(self, day: int) -> DaySheet:
        return DaySheet(self._tape.quotes(day * DAY_MS, (day + 1) * DAY_MS), self._decimals)

    def _keep(self, day: int, sheet: DaySheet) -> None:
        self._sheets[day] = sheet
        while len(self._sheets) > KEPT_DAYS:
            self._sheets.popitem(last=False)
