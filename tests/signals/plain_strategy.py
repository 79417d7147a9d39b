"""The rules of the trend-pullback strategy written out for BUY and for SELL, as the specification states them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.signals.domain.candle import Candle
from tests.signals import plain_formulas


@dataclass
class Opinion:
    buy: int
    sell: int
    auto: tuple[Any, ...] | None
    manual: tuple[Any, ...] | None


def opinion(window: Sequence[Candle]) -> Opinion:  # noqa: PLR0912  # one long list of rules, on purpose
    lines = plain_formulas.all_lines(window)
    now: dict[str, Any] = {name: line[-1] for name, line in lines.items()}
    before: dict[str, Any] = {name: line[-2] for name, line in lines.items()}
    close = window[-1].close
    rsi, rsi_before = now["rsi"], before["rsi"]
    if rsi is None:
        return Opinion(0, 0, None, None)
    recent = [value for value in lines["rsi"][-10:] if value is not None]
    buy = sell = 0
    if close > now["ema_50"]:
        buy += 2
    if close < now["ema_50"]:
        sell += 2
    if now["macd"] > now["macd_signal"]:
        buy += 2 if before["macd"] <= before["macd_signal"] else 1
    if now["macd"] < now["macd_signal"]:
        sell += 2 if before["macd"] >= before["macd_signal"] else 1
    if len(recent) >= 5:
        if rsi > 45 and any(40 <= value <= 45 for value in recent):
            buy += 1
        if rsi < 55 and any(55 <= value <= 60 for value in recent):
            sell += 1
    if window[-1].volume > 0.5 * now["volume_avg"]:
        if buy > sell:
            buy += 1
        elif sell > buy:
            sell += 1
    trend, trend_before, bias = now["trf_trend"], before["trf_trend"], now["cerebr_bias"]
    if trend == 1:
        buy += 2 if trend_before != 1 else 1
    if trend == -1:
        sell += 2 if trend_before != -1 else 1
    if bias == 1:
        buy += 1
    if bias == -1:
        sell += 1
    strength = strength_of(now, close, window[-1].volume)
    auto = manual = None
    fast, middle, slow = now["ema_5"], now["ema_10"], now["ema_20"]
    near = abs(fast - middle) / middle < 0.001
    up = close > now["ema_50"] and trend == 1 and bias == 1
    down = close < now["ema_50"] and trend == -1 and bias == -1
    if up and buy >= 5 and buy > sell and strength >= 0.3:
        auto = levels("BUY", close, max(1.0 * now["atr"], 2.0), strength)
    if down and sell >= 5 and sell > buy and strength >= 0.3:
        auto = levels("SELL", close, max(1.0 * now["atr"], 2.0), strength)
    if (
        up
        and (fast > middle > slow or (fast > middle and near))
        and now["macd"] > now["macd_signal"]
        and ((rsi_before is not None and rsi_before <= 30 < rsi) or rsi > 50)
    ):
        manual = levels("BUY", close, max(1.2 * now["atr"], 1.0), strength)
    if (
        down
        and (fast < middle < slow or (fast < middle and near))
        and now["macd"] < now["macd_signal"]
        and ((rsi_before is not None and rsi_before >= 70 > rsi) or rsi < 50)
    ):
        manual = levels("SELL", close, max(1.2 * now["atr"], 1.0), strength)
    return Opinion(buy, sell, auto, manual)


def strength_of(now: dict[str, Any], close: float, volume: float) -> float:
    hundredths = 0
    spread = abs(now["ema_5"] - now["ema_20"]) / close
    hundredths += 25 if spread > 0.003 else 15 if spread > 0.0015 else 0
    histogram = abs(now["macd_histogram"])
    hundredths += 25 if histogram > 0.5 else 15 if histogram > 0.2 else 0
    distance = abs(now["rsi"] - 50) / 50
    hundredths += 25 if distance > 0.4 else 15 if distance > 0.2 else 0
    ratio = volume / now["volume_avg"]
    hundredths += 25 if ratio > 1.5 else 15 if ratio > 1.0 else 0
    return hundredths / 100


def levels(side: str, close: float, distance: float, strength: float) -> tuple[Any, ...] | None:
    if distance > 100:
        return None
    rr = max(1.45, min(2.50, 1.45 + 1.05 * strength))
    sign = 1 if side == "BUY" else -1
    return side, close - sign * distance, close + sign * distance * rr, rr, strength
