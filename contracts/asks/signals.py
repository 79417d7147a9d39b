"""What is asked of the signals room."""

import msgspec

from contracts.messages import Interval, SignalRaised


class EvaluateNow(msgspec.Struct, frozen=True, kw_only=True):
    """Judge the latest closed candles of a symbol now (manual mode)."""

    symbol: str
    strategy: str | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The signal, or the keys that say why there is none."""

    signal: SignalRaised | None
    why: tuple[str, ...] = ()


class GetSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The last `count` candles up to the one that opened at `until_s` (None: the latest), with their indicators."""

    symbol: str
    interval: Interval
    count: int = 120
    until_s: int | None = None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length, oldest first. An undefined indicator value is None."""

    symbol: str
    interval: Interval
    open_time_s: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[int]
    indicators: dict[str, list[float | None]]
