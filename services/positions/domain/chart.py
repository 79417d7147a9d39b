"""Which picture goes with a message: its key is everything that decides how it looks."""

from dataclasses import dataclass
from datetime import datetime

from contracts import ids
from contracts.messages import ChartLevels, DrawChart, Interval

STYLE = "1"
"""Raise it when the look of the pictures changes, so that no old one is shown."""


def last_closed_s(market_ms: int, interval: Interval) -> int:
    """Tell when the last candle opened that is closed at a moment of market time."""
    return (market_ms // 1000 // interval.seconds - 1) * interval.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a picture shows: candles up to and including the one that opened at `until_s`, for people of one language
    and time zone, with levels or without.
    """

    symbol: str
    interval: Interval
    until_s: int
    language: str
    time_zone: str
    levels: ChartLevels | None

    @property
    def key(self) -> str:
        """Name the picture: equal pictures have one key and are drawn once."""
        parts = (self.symbol, self.interval, self.until_s, self.levels, self.language, self.time_zone, STYLE)
        return ids.chart_key(parts)


def wish(picture: Picture, *, at: datetime, trace: str, expires_at: datetime | None = None) -> DrawChart:
    """Ask for a picture; after `expires_at` (wall clock) nobody wants it any more."""
    return DrawChart(
        id=f"draw:{picture.key}",
        at=at,
        trace=trace,
        key=picture.key,
        symbol=picture.symbol,
        interval=picture.interval,
        until_s=picture.until_s,
        language=picture.language,
        time_zone=picture.time_zone,
        levels=picture.levels,
        expires_at=expires_at,
    )
