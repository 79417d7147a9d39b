"""Series and pictures for tests and benchmarks: a generated market, and real gold where the shared data is there."""

import math
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from contracts.asks import Series
from contracts.messages import ChartLevels, Interval, Mode, Side
from services.charts.domain.instrument import Instrument
from services.charts.domain.request import Picture

GOLD = Instrument(digits=2, pip=0.10)
JAKARTA = ZoneInfo("Asia/Jakarta")
START_S = int(datetime(2026, 1, 5, 3, 0, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Bar:
    """One candle."""

    open_time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int


def wave(count: int = 120, *, sign: int = 1, step_s: int = 60, start_s: int = START_S) -> list[Bar]:
    """Generate the candles that the golden vectors are made of."""
    closes = [4000 + sign * (0.12 * i + 3 * math.sin(i / 9) + 0.9 * math.sin(1.7 * i)) for i in range(count)]
    bars = []
    for i, close in enumerate(closes):
        opened = closes[max(0, i - 1)]
        high, low = max(opened, close) + 0.3 + 0.1 * (i % 3), min(opened, close) - 0.3 - 0.1 * (i % 4)
        bars.append(Bar(start_s + i * step_s, opened, high, low, close, 60 + (7 * i) % 23))
    return bars


def real_gold(folder: Path, day: str, first: int, count: int) -> list[Bar]:
    """Read candles of the mid from a zip of minute quotes; its volumes are zero, so the range stands in for ticks."""
    midnight_s = int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp())
    with zipfile.ZipFile(folder / f"{day}_quote.zip") as archive:
        rows = archive.read(archive.namelist()[0]).decode().split()[first : first + count]
    bars = []
    for row in rows:
        cells = [float(cell) for cell in row.split(",")]
        opened, high, low, close = ((cells[i] + cells[i + 5]) / 2 for i in range(1, 5))
        bars.append(Bar(midnight_s + int(cells[0]) // 1000, opened, high, low, close, 20 + int((high - low) * 120)))
    return bars


def series(bars: list[Bar], *, shown: int = 120, interval: Interval = Interval.M1, symbol: str = "XAUUSD") -> Series:
    """Lay the last `shown` bars out in columns, with plain versions of the indicators a chart shows."""
    indicators = _indicators(bars)
    cut = slice(max(0, len(bars) - shown), None)
    return Series(
        symbol=symbol,
        interval=interval,
        open_time_s=[bar.open_time_s for bar in bars[cut]],
        open=[bar.open for bar in bars[cut]],
        high=[bar.high for bar in bars[cut]],
        low=[bar.low for bar in bars[cut]],
        close=[bar.close for bar in bars[cut]],
        volume=[bar.volume for bar in bars[cut]],
        indicators={name: values[cut] for name, values in indicators.items()},
    )


def levels(
    entry: float, side: Side = Side.BUY, *, risk: float = 2.0, multiples: tuple[float, ...] = (1.9,)
) -> ChartLevels:
    """Make levels around an entry."""
    return ChartLevels(
        side=side,
        entry=round(entry, 2),
        stop=round(entry - side.sign * risk, 2),
        targets=tuple(round(entry + side.sign * risk * multiple, 2) for multiple in multiples),
        mode=Mode.AUTO,
        rr=multiples[-1],
        strength=0.55,
        score=7,
    )


def picture(shown: Series | None = None, **changes: object) -> Picture:
    """Make a BUY picture of the generated market; name what differs."""
    shown = shown or series(wave(220))
    parts: dict[str, object] = {
        "series": shown,
        "instrument": GOLD,
        "language": "id",
        "zone": JAKARTA,
        "watermark": "@SinyalBot",
        "levels": levels(shown.close[-1]) if shown.close else None,
    }
    return Picture(**(parts | changes))  # type: ignore[arg-type]


# --- plain indicators -------------------------------------------------------------------------------------------------

Values = list[float | None]


def _indicators(bars: list[Bar]) -> dict[str, Values]:
    closes = [bar.close for bar in bars]
    width = [2 * value for value in _ema([bar.high - bar.low for bar in bars], 27)]
    averages: dict[str, Values] = {f"ema_{n}": list(_ema(closes, n)) for n in (5, 10, 20, 50)}
    raw_k = _raw_k(bars)
    k = _sma(raw_k, 3)
    return averages | {
        "trf_upper": list(_ema([c + w for c, w in zip(closes, width, strict=True)], 27)),
        "trf_lower": list(_ema([c - w for c, w in zip(closes, width, strict=True)], 27)),
        "rsi": _rsi(closes),
        "stoch_k": k,
        "stoch_d": _sma(k, 3),
    }


def _ema(values: list[float], n: int) -> list[float]:
    alpha, result = 2 / (n + 1), [values[0]]
    for value in values[1:]:
        result.append(alpha * value + (1 - alpha) * result[-1])
    return result


def _sma(values: Values, n: int) -> Values:
    result: Values = []
    for i in range(len(values)):
        window = [value for value in values[max(0, i - n + 1) : i + 1] if value is not None]
        result.append(sum(window) / n if len(window) == n else None)
    return result


def _rsi(closes: list[float]) -> Values:
    result: Values = []
    for i in range(len(closes)):
        changes = [closes[j] - closes[j - 1] for j in range(i - 13, i + 1)] if i >= 14 else []
        gain, loss = sum(c for c in changes if c > 0), -sum(c for c in changes if c < 0)
        result.append(None if gain + loss == 0 else 100 * gain / (gain + loss))
    return result


def _raw_k(bars: list[Bar]) -> Values:
    result: Values = []
    for i in range(len(bars)):
        window = bars[i - 13 : i + 1] if i >= 13 else []
        low, high = min((b.low for b in window), default=0.0), max((b.high for b in window), default=0.0)
        result.append(100 * (bars[i].close - low) / (high - low) if high > low else None)
    return result
