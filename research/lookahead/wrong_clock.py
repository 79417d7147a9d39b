"""A run in a fresh process whose clock is years ahead: for strategies that look at the clock of the machine.

The clock is put wrong before the strategy is loaded, so that whatever way it asks (`time.time`, `datetime.now`,
`date.today`), it is told wrong. Market time, which is in the candles, is right.
"""

import datetime as dt
import multiprocessing
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from research.lookahead.sayings import Sayings, in_columns
from research.market import Candles
from services.signals.domain.strategy import Strategy

AHEAD_S = 1_234 * 86_400 + 5 * 3600 + 43 * 60 + 21


def in_fresh_process(
    build: Callable[[Mapping[str, Any]], Strategy[Any]], parameters: Mapping[str, Any], candles: Candles
) -> Sayings:
    """Run there. Raises what the strategy raises."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=put_wrong) as pool:
        return pool.submit(_run, build, dict(parameters), candles).result()


def _run(build: Callable[[Mapping[str, Any]], Strategy[Any]], parameters: dict[str, Any], candles: Candles) -> Sayings:
    return in_columns(build(parameters), candles)


def put_wrong() -> None:
    """Put this process's clock ahead, for good."""
    time.time = partial(_later, time.time)
    time.time_ns = partial(_later_ns, time.time_ns)
    for name in ("gmtime", "localtime"):
        setattr(time, name, partial(_at, getattr(time, name), time.time))
    dt.datetime = _Ahead  # type: ignore[misc]
    dt.date = _AheadDate  # type: ignore[misc]


def _later(clock: Callable[[], float]) -> float:
    return clock() + AHEAD_S


def _later_ns(clock: Callable[[], int]) -> int:
    return clock() + AHEAD_S * 1_000_000_000


def _at(convert: Callable[[float], Any], clock: Callable[[], float], moment_s: float | None = None) -> Any:
    return convert(clock() if moment_s is None else moment_s)


class _Ahead(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "_Ahead":
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> "_Ahead":
        return cls.fromtimestamp(time.time(), dt.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> "_Ahead":
        return cls.fromtimestamp(time.time())


class _AheadDate(dt.date):
    @classmethod
    def today(cls) -> "_AheadDate":
        return cls.fromtimestamp(time.time())
