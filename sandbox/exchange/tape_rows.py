"""One CSV of quotes, row by row: every row is checked, a broken one is named by file and line."""

import gzip
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from math import inf
from pathlib import Path
from typing import IO, NamedTuple, NoReturn, cast

from sandbox.exchange.quotes import Quote, TapeError

EARLIEST_MS = 100_000_000_000  # 1973: anything below was written in seconds


class Place(NamedTuple):
    """A place inside a CSV to go on reading from: the byte, the line behind it, the last epoch before it."""

    epoch_ms: int
    offset: int
    line_number: int


def _zip_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if name.endswith(".csv")]
    if len(names) != 1:
        raise TapeError(f"{path}: holds {len(names)} CSV files; a zipped tape holds exactly one")
    return names[0]


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a tape's file for reading bytes, unpacking .gz and .zip on the way.

    Raises TapeError where the file is missing or is not what its suffix says.
    """
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_zip_member(archive, path)) as member:
                yield BufferedReader(cast("BufferedReader", member), 1 << 18)
        elif path.suffix == ".gz":
            with gzip.open(path) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            with path.open("rb") as plain:
                yield plain
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError) as error:
        raise TapeError(f"{path}: cannot be unpacked as {path.suffix} ({error}); pack it again") from error
    except OSError as error:
        raise TapeError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_rows(lines: Iterable[bytes], path: Path, base_ms: int = 0, after: Place | None = None) -> Iterator[Quote]:
    """Turn CSV lines `moment,bid,ask` into quotes; `moment` is in milliseconds after `base_ms`.

    Skips a header on line 1 and blank lines. Fractions of a millisecond are cut off.
    Raises TapeError for a row that is not three numbers, has bid > ask, a price <= 0, or goes back in time.
    """
    previous, number = (after.epoch_ms, after.line_number) if after else (base_ms, 0)
    for number, line in enumerate(lines, number + 1):  # noqa: B020 - goes on counting from the place
        try:
            moment, bid_text, ask_text = line.split(b",")
            epoch_ms, bid, ask = base_ms + int(float(moment)), float(bid_text), float(ask_text)
        except (ValueError, OverflowError):
            if not line.strip() or (number == 1 and _is_header(line)):
                continue
            _refuse(path, number, line, "expected three numbers: time in milliseconds, bid, ask")
        if not (epoch_ms >= previous and 0.0 < bid <= ask < inf):
            _refuse(path, number, line, _wrong(epoch_ms, previous, bid, ask))
        if epoch_ms < EARLIEST_MS:
            _refuse(path, number, line, "the time looks like seconds; expected milliseconds since 1970")
        previous = epoch_ms
        yield Quote(epoch_ms, bid, ask)


def _is_header(line: bytes) -> bool:
    return not any(character in b"0123456789" for character in line[:1])


def _wrong(epoch_ms: int, previous_ms: int, bid: float, ask: float) -> str:
    if epoch_ms < previous_ms:
        return f"time goes backwards by {previous_ms - epoch_ms} ms"
    if bid <= 0 or ask <= 0:
        return "a price must be greater than zero"
    if bid > ask:
        return f"bid {bid} is above ask {ask}"
    return "a price must be a finite number"


def _refuse(path: Path, number: int, line: bytes, reason: str) -> NoReturn:
    shown = line.decode("utf-8", "replace").strip()[:80]
    raise TapeError(f"{path}, line {number}: {reason}; found {shown!r}")
