"""Pictures: asked for and drawn."""

from datetime import datetime

import msgspec

from contracts.messages.base import Interval, Message, Mode, Side


class ChartLevels(msgspec.Struct, frozen=True, kw_only=True):
    """What a chart draws beside the candles."""

    side: Side
    entry: float
    stop: float
    targets: tuple[float, ...]
    mode: Mode
    rr: float
    strength: float
    score: int | None = None


class DrawChart(Message, frozen=True, kw_only=True):
    """Draw the chart `key`, up to and including the candle that opened at `until_s`, for people of one language."""

    key: str
    symbol: str
    interval: Interval
    until_s: int
    language: str
    time_zone: str
    levels: ChartLevels | None = None
    expires_at: datetime | None = None


class ChartDrawn(Message, frozen=True, kw_only=True):
    """The picture `key` lies in the object store. Core message: a hint, the store is the truth."""

    key: str
    size_bytes: int
