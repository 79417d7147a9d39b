"""What the broker holds of a symbol: where a feed that starts goes on."""

from dataclasses import dataclass

from chassis.bus import Bus
from contracts import catalogue
from contracts.messages import CandleClosed, CandleCorrected, Interval
from services.feed.domain.quotes import Candle

MINUTES = 61
"""Enough closed minutes to rebuild every longer candle that is still forming."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The last closed minutes (oldest first), the last open time by interval, and the time of the last told tick."""

    minutes: tuple[Candle, ...]
    opens: dict[Interval, int]
    told_ms: int | None


async def read_resume(bus: Bus, symbol: str) -> Resume:
    """Read from the streams. Raises TransientError while the broker is away."""
    closed = await bus.latest(catalogue.CANDLE, symbol, Interval.M1, count=MINUTES)
    by_open = {candle.open_time_s: _candle(candle) for candle in closed}
    opens = {Interval.M1: max(by_open)} if by_open else {}
    for interval in (Interval.M5, Interval.M15, Interval.H1):
        for last in await bus.latest(catalogue.CANDLE, symbol, interval):
            opens[interval] = last.open_time_s
    ticks = await bus.latest(catalogue.TICK, symbol)
    if by_open:
        corrected = await bus.latest(catalogue.CORRECTION, symbol, Interval.M1, count=MINUTES)
        by_open |= {told.open_time_s: _corrected(told) for told in corrected if told.open_time_s >= min(by_open)}
    return Resume(tuple(by_open[key] for key in sorted(by_open)), opens, ticks[-1].epoch_ms if ticks else None)


def _candle(told: CandleClosed) -> Candle:
    return Candle(
        told.interval,
        told.open_time_s,
        told.open,
        told.high,
        told.low,
        told.close,
        told.volume,
        is_backfilled=told.backfilled,
    )


def _corrected(told: CandleCorrected) -> Candle:
    return Candle(
        told.interval, told.open_time_s, told.open, told.high, told.low, told.close, told.volume, is_backfilled=True
    )
