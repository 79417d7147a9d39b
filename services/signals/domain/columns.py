"""Closed candles in columns: what batch formulas and the vectorised search read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.signals.domain.candle import Candle

Floats = NDArray[np.float64]
Moments = NDArray[np.int64]


class Columns(Protocol):
    """Closed candles of one interval, oldest first, by column; `rows` are the same candles one by one."""

    @property
    def open_time_s(self) -> Moments: ...
    @property
    def open(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...
    @property
    def low(self) -> Floats: ...
    @property
    def close(self) -> Floats: ...
    @property
    def volume(self) -> Floats: ...
    @property
    def rows(self) -> Sequence[Candle]: ...


@dataclass(frozen=True, slots=True, eq=False)
class CandleColumns:
    """The plain form of `Columns`."""

    open_time_s: Moments
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    rows: Sequence[Candle]


def columns_of(candles: Sequence[Candle]) -> CandleColumns:
    """Return `candles`, oldest first, by column."""
    table = np.array(
        [(row.open, row.high, row.low, row.close, row.volume) for row in candles], dtype=np.float64
    ).reshape(len(candles), 5)
    times = np.array([row.open_time_s for row in candles], dtype=np.int64)
    opens, highs, lows, closes, volumes = (np.ascontiguousarray(column) for column in table.T)
    return CandleColumns(times, opens, highs, lows, closes, volumes, candles)


def part(columns: Columns, first: int, last: int) -> CandleColumns:
    """Return the candles of [first, last) by column; numbers are not copied."""
    return CandleColumns(
        columns.open_time_s[first:last],
        columns.open[first:last],
        columns.high[first:last],
        columns.low[first:last],
        columns.close[first:last],
        columns.volume[first:last],
        columns.rows[first:last],
    )
