"""What is asked of the composer, checked: a picture of nothing, or of columns that do not fit, is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from contracts.asks import Series
from contracts.messages import ChartLevels, ExitReason
from services.charts.domain.instrument import Instrument

MAX_CANDLES = 500
"""More would be thinner than a pixel."""


class NothingToDrawError(ValueError):
    """The series holds no candle."""


class BrokenSeriesError(ValueError):
    """The columns of the series have different lengths, run back in time, or are too many."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the trade on the picture ended. The epochs are market time, UTC seconds."""

    reason: ExitReason
    opened_s: int
    closed_s: int
    exit: float
    r: float


@dataclass(frozen=True, slots=True)
class Picture:
    """All that decides how a picture looks."""

    series: Series
    instrument: Instrument
    language: str
    zone: ZoneInfo
    watermark: str = ""
    levels: ChartLevels | None = None
    outcome: Outcome | None = None


def check(series: Series) -> None:
    """Refuse a series that cannot be drawn.

    Raises:
        NothingToDrawError: no candle.
        BrokenSeriesError: unequal columns, times out of order, or more than MAX_CANDLES.
    """
    count = len(series.open_time_s)
    if count == 0:
        raise NothingToDrawError(f"{series.symbol} {series.interval}: no candle to draw")
    if count > MAX_CANDLES:
        raise BrokenSeriesError(f"{count} candles are more than {MAX_CANDLES}")
    columns: list[Sequence[object]] = [
        series.open,
        series.high,
        series.low,
        series.close,
        series.volume,
        *series.indicators.values(),
    ]
    if any(len(column) != count for column in columns):
        raise BrokenSeriesError(f"columns of {sorted({len(column) for column in columns} | {count})} values")
    if any(after <= before for before, after in pairwise(series.open_time_s)):
        raise BrokenSeriesError("candles are not in order of time")
