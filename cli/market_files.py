"""Tapes and candle files as columns, for the verbs that run a strategy over the past.

A sound file is read in one go, a tenth of a microsecond a number. Where anything in it is not as it should be, the
careful reader of that kind of file reads it again, row by row, and names what is wrong by file and line.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cli.evaluate import COLUMNS, read_candles
from cli.wrong_input import InputError
from contracts.messages import Interval
from research.candles import finer_interval, market_of, roll_up
from research.market import Candles, Market, MarketError, Ticks
from sandbox.exchange.tape import TapeError, open_tape
from sandbox.exchange.tape_recorded import DAY_FILE
from sandbox.exchange.tape_rows import EARLIEST_MS, opened

COMMA, NEWLINE = ord(","), ord("\n")

Read = Callable[[int, int], None]
"""Hears how many files of a tape are read, and of how many."""


class NotPlainError(ValueError):
    """A file that is not plain rows of numbers: the careful reader must look at it."""


def read_tape(path: Path, *, told: Read | None = None) -> Ticks:
    """Read the quotes of a tape, a file or a folder of days.

    Raises InputError naming the file, the line and what would be right.
    """
    try:
        try:
            ticks = _joined(list(_files_in(path, told)))
            ticks.check()
        except (NotPlainError, MarketError):
            ticks = Ticks.of(open_tape(path).quotes())
            ticks.check()
    except (TapeError, MarketError) as e:
        raise InputError(f"--tape {e}") from e
    return ticks


def tape_market(symbol: str, ticks: Ticks, interval: Interval) -> Market:
    """Fold the quotes of a tape into a market. Raises InputError where there are none."""
    try:
        return market_of(symbol, ticks, interval)
    except MarketError as e:
        raise InputError(f"--tape: {e}") from e


def read_candle_file(path: Path, interval: Interval) -> Candles:
    """Read candles of a CSV; finer ones are rolled up into `interval`.

    Raises InputError naming the file, the line and what would be right.
    """
    try:
        table = _numbers(path.read_bytes(), len(COLUMNS))
        columns = [np.ascontiguousarray(table[:, at]) for at in range(len(COLUMNS))]
        times_s = columns[0].astype(np.int64)
        candles = Candles(finer_interval(times_s, interval), times_s, *columns[1:])
        candles.check()
    except (OSError, NotPlainError, MarketError):
        candles = _carefully(path, interval)
    if candles.interval.seconds > interval.seconds:
        raise InputError(f"--candles {path}: holds {candles.interval} candles; the strategy judges {interval}")
    return roll_up(candles, interval)


def _carefully(path: Path, interval: Interval) -> Candles:
    rows = read_candles(path)
    times_s = np.array([row.open_time_s for row in rows], dtype=np.int64)
    candles = Candles.of(finer_interval(times_s, interval), rows)
    try:
        candles.check()
    except MarketError as e:
        raise InputError(f"--candles {path}: {e}") from e
    return candles


def _files_in(path: Path, told: Read | None) -> Iterator[Ticks]:
    """Read the files of a tape, oldest first."""
    files = sorted(one for one in path.iterdir() if DAY_FILE.match(one.name)) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise NotPlainError
    for number, file in enumerate(files, 1):
        yield _quotes_in(file)
        if told is not None:
            told(number, len(files))


def _quotes_in(path: Path) -> Ticks:
    """Read one file; times of a day's file count from its midnight."""
    with opened(path) as stream:
        table = _numbers(stream.read(), 3)
    day_ms = _day_ms(path.name) if DAY_FILE.match(path.name) else 0
    epoch_ms = table[:, 0].astype(np.int64) + day_ms
    is_of_the_day = not day_ms or (len(table) and table[0, 0] >= 0 and table[-1, 0] < 86_400_000)
    if not is_of_the_day or (len(epoch_ms) and epoch_ms[0] < EARLIEST_MS):
        raise NotPlainError
    return Ticks(epoch_ms, np.ascontiguousarray(table[:, 1]), np.ascontiguousarray(table[:, 2]))


def _day_ms(name: str) -> int:
    try:
        return int(datetime.strptime(name[:8], "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        raise NotPlainError from None


def _numbers(content: bytes, width: int) -> NDArray[np.float64]:
    """Read rows of `width` finite numbers behind an optional header, as a table. Raises NotPlainError."""
    content = content.replace(b"\r", b"").strip(b"\n")
    if content[:1].isalpha():
        content = content.partition(b"\n")[2]
    content += b"\n"
    letters = np.frombuffer(content, dtype=np.uint8)
    breaks = letters[(letters == COMMA) | (letters == NEWLINE)]
    row = np.array([COMMA] * (width - 1) + [NEWLINE], dtype=np.uint8)
    if len(breaks) % width or not (breaks.reshape(-1, width) == row).all():
        raise NotPlainError
    try:
        table = np.fromstring(content.replace(b"\n", b",").decode("latin-1"), sep=",")
    except ValueError as e:
        raise NotPlainError from e
    if len(table) != len(breaks) or not np.isfinite(table).all():
        raise NotPlainError
    return table.reshape(-1, width)


def _joined(parts: list[Ticks]) -> Ticks:
    names = ("epoch_ms", "bid", "ask")
    return Ticks(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
