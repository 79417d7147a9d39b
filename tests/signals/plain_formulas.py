"""The indicators written out as the specification states them, over whole lists: slow, plain, and the oracle."""

from collections.abc import Sequence
from itertools import pairwise

from services.signals.domain.candle import Candle

Line = list[float | None]


def ema(values: Sequence[float], period: int) -> list[float]:
    alpha = 2 / (period + 1)
    line = [values[0]]
    for value in values[1:]:
        line.append(alpha * value + (1 - alpha) * line[-1])
    return line


def sma(values: Sequence[float | None], period: int) -> Line:
    line: Line = []
    for i in range(len(values)):
        last = values[max(0, i - period + 1) : i + 1]
        line.append(None if len(last) < period or None in last else sum(last) / period)  # type: ignore[arg-type]
    return line


def rsi(closes: Sequence[float], period: int = 14) -> Line:
    line: Line = []
    for i in range(len(closes)):
        if i < period:
            line.append(None)
            continue
        changes = [closes[j] - closes[j - 1] for j in range(i - period + 1, i + 1)]
        gain = sum(max(change, 0) for change in changes) / period
        loss = sum(max(-change, 0) for change in changes) / period
        if loss == 0:
            line.append(100 if gain > 0 else None)
        else:
            line.append(100 - 100 / (1 + gain / loss))
    return line


def stochastic(candles: Sequence[Candle], period: int = 14) -> tuple[Line, Line]:
    raw: Line = []
    for i in range(len(candles)):
        last = candles[i - period + 1 : i + 1] if i + 1 >= period else []
        if not last or max(c.high for c in last) == min(c.low for c in last):
            raw.append(None)
            continue
        low = min(c.low for c in last)
        raw.append(100 * (candles[i].close - low) / (max(c.high for c in last) - low))
    k = sma(raw, 3)
    return k, sma(k, 3)


def true_ranges(candles: Sequence[Candle]) -> list[float]:
    first = candles[0].high - candles[0].low
    return [first] + [
        max(c.high - c.low, abs(c.high - before.close), abs(c.low - before.close)) for before, c in pairwise(candles)
    ]


def atr(candles: Sequence[Candle], period: int = 14) -> Line:
    return sma(true_ranges(candles), period)


def macd(closes: Sequence[float]) -> tuple[list[float], list[float], list[float]]:
    line = [fast - slow for fast, slow in zip(ema(closes, 12), ema(closes, 26), strict=True)]
    signal = ema(line, 9)
    return line, signal, [a - b for a, b in zip(line, signal, strict=True)]


def twin_range(candles: Sequence[Candle]) -> tuple[list[float], list[float], list[float]]:
    bands = [2.0 * value for value in ema([c.high - c.low for c in candles], 27)]
    upper = ema([c.close + b for c, b in zip(candles, bands, strict=True)], 27)
    lower = ema([c.close - b for c, b in zip(candles, bands, strict=True)], 27)
    trend = [0.0]
    for i in range(1, len(candles)):
        if candles[i].close > upper[i - 1]:
            trend.append(1)
        elif candles[i].close < lower[i - 1]:
            trend.append(-1)
        else:
            trend.append(trend[-1])
    return upper, lower, trend


def market_bias(candles: Sequence[Candle]) -> tuple[Line, Line, Line]:
    raw = []
    for i in range(59, len(candles)):
        last = candles[i - 59 : i + 1]
        low = min(c.low for c in last)
        width = max(c.high for c in last) - low
        raw.append(100 * (candles[i].close - low) / (1 if width == 0 else width))
    undefined: Line = [None] * min(59, len(candles))
    if not raw:
        return undefined, undefined, undefined
    value = ema(raw, 10)
    return (
        undefined + value,
        undefined + ema(value, 10),
        undefined + [1 if v > 60 else -1 if v < 40 else 0 for v in value],
    )


def all_lines(candles: Sequence[Candle]) -> dict[str, Sequence[float | None]]:
    """Every indicator under the name in which the room publishes it."""
    closes = [c.close for c in candles]
    lines: dict[str, Sequence[float | None]] = {f"ema_{n}": ema(closes, n) for n in (5, 10, 20, 50)}
    lines["rsi"] = rsi(closes)
    lines["stoch_k"], lines["stoch_d"] = stochastic(candles)
    lines["atr"] = atr(candles)
    lines["macd"], lines["macd_signal"], lines["macd_histogram"] = macd(closes)
    lines["volume_avg"] = sma([c.volume for c in candles], 20)
    lines["trf_upper"], lines["trf_lower"], lines["trf_trend"] = twin_range(candles)
    lines["cerebr_value"], lines["cerebr_signal"], lines["cerebr_bias"] = market_bias(candles)
    return lines
