"""The generated market: the same every time, with gold's hours, spread, bursts and reach."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from math import sqrt
from statistics import mean, median

import pytest

from sandbox.exchange import sessions
from sandbox.exchange.day_sheet import Candle, DaySheet
from sandbox.exchange.quotes import DAY_MS, Quote
from sandbox.exchange.tape import open_tape

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def two_days() -> list[Quote]:
    tape = open_tape(None, seed=7)
    assert tape.live_ms is not None
    return list(tape.quotes(tape.live_ms, tape.live_ms + 2 * DAY_MS))


@pytest.fixture(scope="module")
def minutes(two_days: list[Quote]) -> list[Candle]:
    return DaySheet(two_days, 3).candles(60, two_days[-1].epoch_ms + 1)


def test_equal_seeds_give_equal_quotes_and_others_do_not() -> None:
    first, again, other = open_tape(None, seed=3), open_tape(None, seed=3), open_tape(None, seed=4)
    assert first.live_ms is not None
    hour = (first.live_ms, first.live_ms + HOUR_MS)

    quotes = list(first.quotes(*hour))

    assert quotes == list(again.quotes(*hour))
    assert quotes != list(other.quotes(*hour))


def test_a_part_is_the_same_whether_read_alone_or_within_a_whole(two_days: list[Quote]) -> None:
    start, end = two_days[0].epoch_ms + 20 * HOUR_MS, two_days[0].epoch_ms + 26 * HOUR_MS

    part = list(open_tape(None, seed=7).quotes(start, end))

    assert part == [quote for quote in two_days if start <= quote.epoch_ms < end]


def test_history_reaches_back_a_week_and_ends_never() -> None:
    tape = open_tape(None)
    assert tape.live_ms is not None

    assert tape.live_ms - next(tape.quotes()).epoch_ms > 3 * DAY_MS
    assert tape.end_ms is None
    assert next(tape.quotes(tape.live_ms + 400 * DAY_MS)).bid > 3000


def test_quotes_are_made_in_sessions_only(two_days: list[Quote]) -> None:
    pauses = [(a.epoch_ms, b.epoch_ms) for a, b in pairwise(two_days) if b[0] - a[0] > HOUR_MS]

    assert all(sessions.is_open(quote.epoch_ms) for quote in two_days[::50])
    assert [round((end - start) / 60_000) for start, end in pauses] == [65, 65]


def test_time_never_stands_still_for_ten_seconds_and_never_goes_back(two_days: list[Quote]) -> None:
    waits = [b.epoch_ms - a.epoch_ms for a, b in pairwise(two_days)]

    assert min(waits) >= 0
    assert max(wait for wait in waits if wait < HOUR_MS) < 10_000


def test_a_day_has_gold_s_number_of_quotes(two_days: list[Quote]) -> None:
    assert 80_000 < len(two_days) / 2 < 200_000


def test_the_spread_stays_in_its_bounds_and_widens_at_the_edges(two_days: list[Quote]) -> None:
    spreads = [round(quote.ask - quote.bid, 2) for quote in two_days]
    session = sessions.session_of(date(2026, 6, 10))
    assert session is not None
    edge = [round(q.ask - q.bid, 2) for q in two_days if 0 <= q.epoch_ms - session.open_ms < 120_000]

    assert min(spreads) >= 0.20
    assert max(spreads) <= 0.50
    assert mean(edge) > median(spreads) + 0.08


def test_prices_have_two_decimals_and_stay_around_four_thousand(two_days: list[Quote]) -> None:
    assert all(round(quote.bid, 2) == quote.bid and round(quote.ask, 2) == quote.ask for quote in two_days)
    assert all(3800 < quote.bid < 4200 for quote in two_days)


def test_wild_minutes_come_in_bursts(minutes: list[Candle]) -> None:
    ranges = [candle.high - candle.low for candle in minutes]

    assert _correlation(ranges[:-1], ranges[1:]) > 0.3
    assert max(ranges) > 4 * median(ranges)


def test_levels_two_to_five_dollars_away_are_reached_within_minutes(minutes: list[Candle]) -> None:
    waits = {distance: median(_minutes_to_reach(minutes, distance)) for distance in (2.0, 5.0)}

    assert 1 <= waits[2.0] <= 10
    assert 5 <= waits[5.0] <= 60


def test_there_are_trends_and_not_only_noise(minutes: list[Candle]) -> None:
    moves = [abs(b.close - a.close) for a, b in zip(minutes, minutes[30:], strict=False)]
    steps = [abs(candle.close - candle.open) for candle in minutes]

    assert mean(moves) > 5 * mean(steps)
    assert sorted(moves)[-len(moves) // 10] > 8.0


def _minutes_to_reach(minutes: list[Candle], distance: float) -> list[int]:
    waits = []
    for first in range(0, len(minutes) - 600, 30):
        entry = minutes[first].close
        later = minutes[first + 1 :]
        waits.append(next(n for n, c in enumerate(later, 1) if max(c.high - entry, entry - c.low) >= distance))
    return waits


def _correlation(left: Sequence[float], right: Sequence[float]) -> float:
    a, b = mean(left), mean(right)
    product = sum((x - a) * (y - b) for x, y in zip(left, right, strict=True))
    return product / sqrt(sum((x - a) ** 2 for x in left) * sum((y - b) ** 2 for y in right))
