"""A CSV of candles that grows while it is downloaded, and the note beside it that says how far it has come.

Rows are `epoch_s,open,high,low,close,volume`, oldest first, each once. The note `<file>.download.json` stays when all
is there, so that the same call again finds nothing to do, and one with a later end goes on from there. Whatever moment
the download is killed at, the next call cuts off a torn row and goes on behind the last whole one.
"""

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from services.feed.domain.quotes import Bar

HEADER = "epoch_s,open,high,low,close,volume"


class FileError(Exception):
    """The file cannot be gone on with; the message is one line that names the option."""


class Plan(msgspec.Struct, frozen=True):
    """What a file holds: candles of a symbol of a venue that open in [from_s, to_s)."""

    venue_url: str
    venue_symbol: str
    interval: str
    from_s: int
    to_s: int


class Note(msgspec.Struct, frozen=True):
    """A plan, and the moment up to which it is done."""

    plan: Plan
    done_s: int


class CandleFile:
    """Appends candles. `done_s` is where to go on."""

    def __init__(self, path: Path, plan: Plan) -> None:
        """Open a new file, or one of the same plan to go on with. Raises FileError."""
        self._path = path
        self._note = path.with_name(f"{path.name}.download.json")
        self._plan = plan
        with _explaining(path):
            self.done_s = self._resume() if path.exists() else self._begin()

    def append(self, bars: Sequence[Bar], done_s: int) -> None:
        """Store candles, and that all before `done_s` is had now. Raises FileError."""
        # A venue's history tells no volume.
        rows = [f"{bar.open_s},{bar.open!r},{bar.high!r},{bar.low!r},{bar.close!r},0\n" for bar in bars]
        with _explaining(self._path):
            with self._path.open("a") as file:
                file.write("".join(rows))
            self._remember(done_s)

    def span(self) -> tuple[int, int | None, int | None]:
        """Tell the number of candles and the open times of the first and the last."""
        times = [int(line.split(",", 1)[0]) for line in self._path.read_text().splitlines()[1:]]
        return len(times), min(times, default=None), max(times, default=None)

    def _begin(self) -> int:
        if not self._path.resolve().parent.is_dir():
            raise FileError(f"--out {self._path}: the folder {self._path.resolve().parent} does not exist")
        self._path.write_text(f"{HEADER}\n")
        self._remember(self._plan.from_s)
        return self._plan.from_s

    def _resume(self) -> int:
        note = self._read_note()
        asked, had = self._plan, note.plan
        if (asked.venue_url, asked.venue_symbol, asked.interval) != (had.venue_url, had.venue_symbol, had.interval):
            raise FileError(
                f"--out {self._path}: holds {had.venue_symbol} {had.interval} of {had.venue_url}; give another name"
            )
        if asked.from_s != had.from_s:
            raise FileError(f"--out {self._path}: begins at another time than --from; give another name")
        done_s = max(note.done_s, self._mend())
        self._remember(done_s)
        return done_s

    def _read_note(self) -> Note:
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=Note)
        except (FileNotFoundError, msgspec.DecodeError):
            message = "is there already and is no download to go on with; give another name or remove it"
            raise FileError(f"--out {self._path}: {message}") from None

    def _mend(self) -> int:
        """Cut off a torn last row; return the moment behind the last candle."""
        body = self._path.read_bytes()
        whole = body.rfind(b"\n") + 1
        os.truncate(self._path, whole)
        last = body[:whole].rstrip().rsplit(b"\n", 1)[-1].split(b",", 1)[0]
        return int(last) + 1 if last.isdigit() else self._plan.from_s

    def _remember(self, done_s: int) -> None:
        self.done_s = done_s
        unfinished = self._note.with_name(f"{self._note.name}.tmp")
        unfinished.write_bytes(msgspec.json.encode(Note(self._plan, done_s)))
        unfinished.replace(self._note)


@contextlib.contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Turn a refusal of the disk into one line."""
    try:
        yield
    except OSError as e:
        is_full = e.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full; make room, and the same call goes on" if is_full else e.strerror or str(e)
        raise FileError(f"--out {path}: cannot be written ({reason})") from e
