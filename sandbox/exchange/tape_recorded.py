"""Recorded tapes: one CSV file, or a folder with one zipped CSV per UTC day. Read lazily, day by day.

A folder is indexed by its file names, so opening one costs nothing; a row of a later day is checked when that day is
read. A single file is read through once at opening: that checks all of it and leaves a sparse index behind, so that
history from the middle is read without reading all that lies before.
"""

import re
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sandbox.exchange.quotes import DAY_MS, Quote, TapeError
from sandbox.exchange.tape_rows import Place, opened, read_rows

DAY_FILE = re.compile(r"^(\d{8})_quote\.zip$")
FILE_SUFFIXES = (".csv", ".gz", ".zip")
LINES_PER_PLACE = 20_000


class FileTape:
    """One CSV `epoch_ms,bid,ask`, plain or packed as .gz or .zip."""

    def __init__(self, path: Path, symbol: str) -> None:
        """Read the file once, checking each row. Raises TapeError for a broken row or a file without quotes."""
        self.symbol = symbol
        self.live_ms = None
        self._path = path
        self._places, self.start_ms, self.end_ms = _index(path)

    def quotes(self, start_ms: int | None = None, end_ms: int | None = None) -> Iterator[Quote]:
        """Read the quotes with `start_ms <= epoch_ms < end_ms`, oldest first."""
        start = self.start_ms if start_ms is None else start_ms
        end = self.end_ms + 1 if end_ms is None else end_ms
        place = max((item for item in self._places if item.epoch_ms < start), default=self._places[0])
        with opened(self._path) as stream:
            stream.seek(place.offset)
            yield from _between(read_rows(stream, self._path, after=place), start, end)


class FolderTape:
    """Days of quotes: files `YYYYMMDD_quote.zip`, each one CSV `milliseconds_of_day,bid,ask` of that UTC day."""

    def __init__(self, days: list[tuple[int, Path]], symbol: str) -> None:
        """Hold days as (UTC midnight in epoch milliseconds, file). Raises TapeError where first or last is broken."""
        self.symbol = symbol
        self.live_ms = None
        self._days = sorted(days)
        self.start_ms = next(self._day(*self._days[0])).epoch_ms
        self.end_ms = deque(self._day(*self._days[-1]), maxlen=1)[0].epoch_ms

    def quotes(self, start_ms: int | None = None, end_ms: int | None = None) -> Iterator[Quote]:
        """Read the quotes with `start_ms <= epoch_ms < end_ms`, oldest first, one day in memory at a time."""
        start = self.start_ms if start_ms is None else start_ms
        end = self.end_ms + 1 if end_ms is None else end_ms
        for day_ms, path in self._days:
            if day_ms < end and day_ms + DAY_MS > start:
                yield from _between(self._day(day_ms, path), start, end)

    def _day(self, day_ms: int, path: Path) -> Iterator[Quote]:
        found = False
        with opened(path) as stream:
            for quote in read_rows(stream, path, base_ms=day_ms):
                if quote.epoch_ms >= day_ms + DAY_MS:
                    raise TapeError(f"{path}: holds a quote after its day; times are milliseconds of the UTC day")
                found = True
                yield quote
        if not found:
            raise TapeError(f"{path}: holds no quote; leave a day without trading out of the folder")


def open_recorded(path: Path, symbol: str) -> FileTape | FolderTape:
    """Open a recorded tape: a CSV file or a folder of days.

    Raises TapeError for a path that is neither, naming what would be right.
    """
    if path.is_dir():
        return FolderTape(_day_files(path), symbol)
    if not path.exists():
        raise TapeError(f"{path}: no such tape; give a CSV of epoch_ms,bid,ask or a folder of YYYYMMDD_quote.zip")
    if not path.name.endswith(FILE_SUFFIXES):
        raise TapeError(f"{path}: unknown kind of file; a tape ends in .csv, .csv.gz or .zip, or is a folder of days")
    if DAY_FILE.match(path.name):
        return FolderTape([_day_file(path)], symbol)
    return FileTape(path, symbol)


def _day_files(folder: Path) -> list[tuple[int, Path]]:
    days = [_day_file(path) for path in folder.iterdir() if DAY_FILE.match(path.name)]
    if not days:
        raise TapeError(f"{folder}: holds no day of quotes; a folder tape holds files named YYYYMMDD_quote.zip")
    return days


def _day_file(path: Path) -> tuple[int, Path]:
    try:
        day = datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise TapeError(f"{path}: {path.name[:8]} is no date; name it YYYYMMDD_quote.zip") from None
    return int(day.timestamp()) * 1000, path


class _Lines:
    """The lines of a file, with the byte and the number of the line that was last given out."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.offset = 0
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            self.offset += len(line)
            self.number += 1
            yield line


def _index(path: Path) -> tuple[list[Place], int, int]:
    """Read a file once: places to go on from, the first and the last moment. Raises TapeError."""
    places, first, last = [Place(0, 0, 0)], None, 0
    with opened(path) as stream:
        lines = _Lines(stream)
        for count, quote in enumerate(read_rows(lines, path), 1):
            last = quote.epoch_ms
            first = last if first is None else first
            if count % LINES_PER_PLACE == 0:
                places.append(Place(last, lines.offset, lines.number))
    if first is None:
        raise TapeError(f"{path}: holds no quote; a tape has rows of epoch_ms,bid,ask")
    return places, first, last


def _between(quotes: Iterator[Quote], start_ms: int, end_ms: int) -> Iterator[Quote]:
    for quote in quotes:
        if quote[0] >= end_ms:
            return
        if quote[0] >= start_ms:
            yield quote
