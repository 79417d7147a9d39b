"""A gold market out of a seed: the same quotes on every machine, endless forwards, a week of history before it opens.

Each session is made by itself from the seed and its date, so any day can be read without the days before it. A slow
path of daily levels around 4000 USD ties the sessions together: a session starts at its level and drifts to the next.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import pi, sin
from random import Random

from sandbox.exchange.gold_session import Columns, make_session
from sandbox.exchange.quotes import Quote
from sandbox.exchange.sessions import Session, session_of

DEFAULT_SEED = 7
MEAN_PRICE_USD = 4000.0
OPENING = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)  # a Tuesday, London's first hour
HISTORY_DAYS = 7
KEPT_SESSIONS = 3


class GeneratedTape:
    """The generated market. `live_ms` is its fixed opening moment; history reaches back `HISTORY_DAYS` before it."""

    end_ms = None

    def __init__(self, *, seed: int = DEFAULT_SEED, symbol: str = "XAUUSD") -> None:
        """Prepare the market of this seed; nothing is generated before it is read."""
        self.symbol = symbol
        self.seed = seed
        self.live_ms = int(OPENING.timestamp()) * 1000
        self.start_ms = self.live_ms - HISTORY_DAYS * 86_400_000
        self._session = lru_cache(maxsize=KEPT_SESSIONS)(self._make_session)

    def quotes(self, start_ms: int | None = None, end_ms: int | None = None) -> Iterator[Quote]:
        """Read the quotes with `start_ms <= epoch_ms < end_ms`; without an end it goes on for ever."""
        start = self.start_ms if start_ms is None else max(start_ms, self.start_ms)
        for session in _sessions_from(start):
            if end_ms is not None and session.open_ms >= end_ms:
                return
            columns = self._session(session)
            first = bisect_left(columns.epoch_ms, start)
            last = len(columns.epoch_ms) if end_ms is None else bisect_left(columns.epoch_ms, end_ms)
            yield from _rows(columns, first, last)

    def _make_session(self, session: Session) -> Columns:
        number = _session_number(session.day)
        dice = Random(f"{self.seed}:{session.day.isoformat()}")
        return make_session(session, dice, from_usd=self._level(number), to_usd=self._level(number + 1))

    def _level(self, number: int) -> float:
        """Say where gold stands at the start of session `number`, in USD: two slow waves and a day's own noise."""
        phases = Random(f"{self.seed}:phases")
        slow, quick = phases.uniform(0, 2 * pi), phases.uniform(0, 2 * pi)
        noise = Random(f"{self.seed}:level:{number}").gauss(0.0, 8.0)
        return MEAN_PRICE_USD + 60.0 * sin(number / 6.0 + slow) + 20.0 * sin(number / 1.9 + quick) + noise


def _session_number(day: date) -> int:
    """Count the weekdays, so that Friday and the Monday after it are neighbours."""
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    return weeks * 5 + weekday


def _sessions_from(start_ms: int) -> Iterator[Session]:
    day = datetime.fromtimestamp(start_ms / 1000, UTC).date()
    while True:
        session = session_of(day)
        if session and session.close_ms > start_ms:
            yield session
        day += timedelta(days=1)


def _rows(columns: Columns, first: int, last: int) -> Iterator[Quote]:
    cents: array[int] = columns.bid_cents
    spreads: array[int] = columns.spread_cents
    for index in range(first, last):
        bid = cents[index]
        yield Quote(columns.epoch_ms[index], bid / 100, (bid + spreads[index]) / 100)
