"""Pictures: asked for and drawn."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

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


class CurveSubject(StrEnum):
    """Whose result a curve shows: the reader's own, or that of the strategies' automatic signals."""

    OWN = "own"
    RECORD = "record"


class CurvePoint(msgspec.Struct, frozen=True, array_like=True):
    """The balance after the closed trade `number` (the first is 1) of market time `closed_ms`: `balance` is the sum of
    all results so far, `below` how far that is under the highest balance before, 0 at the start among them.
    """

    number: int
    closed_ms: int
    balance: Decimal
    below: Decimal


class CurveMark(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that is pointed out, and its result."""

    number: int
    pnl: Decimal


class CurveFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is written over a curve: the very figures of the statistics it goes with. None: undefined."""

    trades: int
    wins: int
    losses: int
    win_rate: float | None
    pnl: Decimal
    profit_factor: float | None
    max_drawdown: Decimal


class DrawCurve(Message, frozen=True, kw_only=True):
    """Draw the equity curve `key` of closed trades, of the last `days` or of all time, of one symbol or strategy or
    all. `points` are in order and end with the last trade; of many trades, those are left out that no picture shows.
    """

    key: str
    subject: CurveSubject
    points: tuple[CurvePoint, ...]
    figures: CurveFigures
    best: CurveMark
    worst: CurveMark
    language: str
    time_zone: str
    currency: str = "USD"
    days: int | None = None
    symbol: str | None = None
    strategy: str | None = None
    expires_at: datetime | None = None


class ChartDrawn(Message, frozen=True, kw_only=True):
    """The picture `key` lies in the object store. Core message: a hint, the store is the truth."""

    key: str
    size_bytes: int
