"""A folder of recorded quotes, one file per UTC day, in the form that the simulator's folder tape reads.

The running day is a plain `YYYYMMDD_quote.part` with rows `sequence,ms_of_day,bid,ask`; its last whole row says where
to go on, so that rows and progress can never disagree. A day becomes `YYYYMMDD_quote.zip` (rows `ms_of_day,bid,ask`)
under another name first and appears whole or not at all. A kill at any moment costs nothing: a torn last row is cut
off, and what it held is read from the broker again.
"""

import contextlib
import errno
import fcntl
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

DAY_MS = 86_400_000
PART = re.compile(r"^(\d{8})_quote\.part$")
FINISHED = re.compile(r"^(\d{8})_quote\.zip$")
WRITTEN_AT_ONCE = 1 << 16
"""Bytes collected before they are written. What is lost with them is read from the broker again."""


class RecordError(Exception):
    """The recording cannot go on; the message is one line with what would be right."""


class Row(NamedTuple):
    """One quote with its sequence in the broker's stream; 0 where it came from a finished day."""

    sequence: int
    epoch_ms: int
    bid: float
    ask: float


@dataclass(slots=True)
class _Part:
    """The running day."""

    day_ms: int
    path: Path
    file: FileIO


class TapeWriter:
    """Writes one symbol's quotes; one writer per folder, held by a lock that dies with the process.

    `last` is the last quote on disk or about to be, None for an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the folder and finish what an earlier writer left. Raises RecordError."""
        self._folder = folder
        self._waiting = bytearray()
        self._part: _Part | None = None
        self._packed: list[Path] = []
        with _explaining(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as held:
                self._lock = held.enter_context((folder / ".lock").open("w"))
                _lock(self._lock.fileno(), folder)
                self.last = self._resume()
                held.pop_all()

    def __enter__(self) -> Self:
        """Write in its context."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let go of the folder; `finish` is what makes the running day a file."""
        if self._part is not None:
            self._part.file.close()
        self._lock.close()

    @property
    def days(self) -> list[str]:
        """The names of the finished files, oldest first."""
        return sorted(path.name for path in self._folder.iterdir() if FINISHED.match(path.name))

    def add(self, row: Row) -> bool:
        """Take a quote; False for one that is older than the last, or is the last again. Raises RecordError."""
        if self.last is not None and not _follows(row, self.last):
            return False
        with _explaining(self._folder):
            part = self._part
            if part is None or row.epoch_ms >= part.day_ms + DAY_MS:
                part = self._turn(row.epoch_ms)
            self._waiting += _line(row, part.day_ms)
            if len(self._waiting) >= WRITTEN_AT_ONCE:
                self._write(part)
        self.last = row
        return True

    def flush(self) -> None:
        """Hand what waits to the system. Raises RecordError."""
        if self._part is not None:
            with _explaining(self._folder):
                self._write(self._part)

    def finish(self) -> None:
        """Make the running day a file too; a later writer goes on with it. Raises RecordError."""
        self.flush()
        if self._part is not None:
            with _explaining(self._folder):
                _pack(self._part.path)

    def _turn(self, epoch_ms: int) -> _Part:
        """Begin the day of a moment and pack the one that ended, whose part stays until the new day has a row on disk:
        after a kill there is always one that says where to go on."""
        ended = self._part
        if ended is not None:
            self._write(ended)
        day_ms = epoch_ms - epoch_ms % DAY_MS
        path = self._folder / f"{datetime.fromtimestamp(day_ms / 1000, UTC):%Y%m%d}_quote.part"
        self._part = _Part(day_ms, path, FileIO(path, "a"))
        if ended is not None:
            ended.file.close()
            _pack(ended.path)
            self._packed.append(ended.path)
        return self._part

    def _write(self, part: _Part) -> None:
        while self._waiting:
            written = part.file.write(self._waiting)
            del self._waiting[: written or 0]
        while self._packed and part.file.tell():
            self._packed.pop().unlink()

    def _resume(self) -> Row | None:
        """Find where to go on; pack days that ended while nobody wrote."""
        parts = sorted(path for path in self._folder.iterdir() if PART.match(path.name))
        rows = [(path, row) for path in parts if (row := _mend(path)) is not None]
        for path in parts:
            if path not in [kept for kept, _ in rows]:
                path.unlink()
        for path, _ in rows[:-1]:
            _pack(path)
            path.unlink()
        if rows:
            path, last = rows[-1]
            self._part = _Part(_day_ms(path.name), path, FileIO(path, "a"))
            return last
        return self._unpack_last()

    def _unpack_last(self) -> Row | None:
        """Go on from the last finished day where its part was removed: its moment tells what is on disk already."""
        if not self.days:
            return None
        path = self._folder / self.days[-1]
        day_ms = _day_ms(path.name)
        part = path.with_suffix(".part")
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0])
        _replace(part, b"".join(b"0," + line + b"\n" for line in text.split()))
        self._part = _Part(day_ms, part, FileIO(part, "a"))
        return _mend(part)


def _follows(row: Row, last: Row) -> bool:
    """Whether a row belongs behind the last: later, or another quote of its millisecond that surely came after it."""
    if row.epoch_ms != last.epoch_ms:
        return row.epoch_ms > last.epoch_ms
    return 0 < last.sequence < row.sequence and last[2:] != row[2:]


def _line(row: Row, day_ms: int) -> bytes:
    return f"{row.sequence},{row.epoch_ms - day_ms},{row.bid!r},{row.ask!r}\n".encode()


def _mend(path: Path) -> Row | None:
    """Cut off what is torn at a part's end; return its last row, None where no row is whole."""
    body = path.read_bytes()
    whole = len(body)
    while whole:
        end = body.rfind(b"\n", 0, whole) + 1
        start = body.rfind(b"\n", 0, max(end - 1, 0)) + 1
        row = _row(body[start:end], _day_ms(path.name)) if end else None
        if row is not None:
            os.truncate(path, end)
            return row
        whole = start if end else 0
    return None


def _row(line: bytes, day_ms: int) -> Row | None:
    try:
        sequence, moment, bid, ask = line.split(b",")
        return Row(int(sequence), day_ms + int(float(moment)), float(bid), float(ask))
    except ValueError:
        return None


def _pack(part: Path) -> None:
    """Make a part the finished file of its day, whole or not at all."""
    rows = b"".join(line.split(b",", 1)[1] + b"\n" for line in part.read_bytes().split())
    unfinished = part.with_suffix(".zip.tmp")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{part.stem}.csv", rows)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(part.with_suffix(".zip"))
    finally:
        unfinished.unlink(missing_ok=True)


def _replace(path: Path, body: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.write_bytes(body)
    unfinished.replace(path)


def _day_ms(name: str) -> int:
    return int(datetime.strptime(name[:8], "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        raise RecordError(f"--folder {folder}: another recorder writes into it; give each a folder of its own") from e


@contextlib.contextmanager
def _explaining(folder: Path) -> Iterator[None]:
    """Turn a refusal of the disk into one line."""
    try:
        yield
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            message = "the disk is full; make room and start again: what the broker still keeps (a day) is not lost"
            raise RecordError(f"--folder {folder}: {message}") from e
        raise RecordError(f"--folder {folder}: cannot be written ({e.strerror or e})") from e
    except (zipfile.BadZipFile, IndexError) as e:
        raise RecordError(f"--folder {folder}: holds a day that is no zipped CSV ({e}); move it away") from e
