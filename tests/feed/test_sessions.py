"""When gold trades, by table and by what the venue tells."""

from datetime import date, time

import pytest

from services.feed.domain.sessions import METALS, Calendar, Span, at, day_of
from tests.feed.builders import ms

GOLD = Calendar(METALS)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        # winter: New York is UTC−5
        ("2026-01-09T21:57:59", True),
        ("2026-01-09T21:58:00", False),
        ("2026-01-10T12:00:00", False),
        ("2026-01-11T23:02:59", False),
        ("2026-01-11T23:03:00", True),
        ("2026-01-12T21:58:00", False),
        ("2026-01-12T23:03:00", True),
        # summer: UTC−4
        ("2026-07-10T20:57:59", True),
        ("2026-07-10T20:58:00", False),
        ("2026-07-12T22:02:59", False),
        ("2026-07-12T22:03:00", True),
        # the week in which New York changes (2026-03-08) and Europe has not yet
        ("2026-03-06T21:57:00", True),
        ("2026-03-08T22:03:00", True),
        ("2026-03-09T20:58:00", False),
        # midnight lies inside a session
        ("2026-01-13T00:00:00", True),
    ],
)
def test_gold_trades_by_the_new_york_clock(moment, is_open) -> None:
    assert GOLD.is_open(ms(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-01-09T22:00:00", "2026-01-11T23:03:00"),
        ("2026-01-12T22:00:00", "2026-01-12T23:03:00"),
        ("2026-01-12T12:00:00", "2026-01-12T12:00:00"),
    ],
)
def test_the_next_opening_is_found(moment, opens) -> None:
    assert GOLD.next_open_ms(ms(moment)) == ms(opens)


def test_a_market_that_never_opens_has_no_next_opening() -> None:
    days = {date(2026, 1, 5 + n): () for n in range(20)}

    assert Calendar(METALS, days).next_open_ms(ms("2026-01-05T12:00:00")) is None


def test_open_time_is_counted_without_the_weekend() -> None:
    friday, sunday = ms("2026-01-09T21:57:00"), ms("2026-01-11T23:04:00")

    assert GOLD.open_ms_between(friday, sunday) == 2 * 60_000
    assert GOLD.open_ms_between(sunday, sunday) == 0


def test_a_market_without_a_table_is_always_open() -> None:
    always = Calendar(None)

    assert always.is_open(ms("2026-01-10T12:00:00"))
    assert always.open_ms_between(ms("2026-01-10T12:00:00"), ms("2026-01-12T12:00:00")) == 2 * 86_400_000


def test_what_the_venue_tells_of_a_day_wins_over_the_table() -> None:
    day = date(2026, 12, 24)
    told = GOLD.learn(day, (Span(at(day, time(0)), at(day, time(18))),))

    assert told.is_open(ms("2026-12-24T17:59:59"))
    assert not told.is_open(ms("2026-12-24T18:00:00"))
    assert GOLD.is_open(ms("2026-12-24T18:00:00"))


def test_days_long_past_are_forgotten() -> None:
    calendar = GOLD
    for day in range(1, 29):
        calendar = calendar.learn(date(2026, 1, day), ())

    assert len(calendar.days) == 10


def test_the_last_second_of_a_day_is_its_end() -> None:
    day = date(2026, 1, 5)

    assert at(day, time(23, 59, 59)) == ms("2026-01-06T00:00:00")
    assert at(day, time(22, 3)) == ms("2026-01-05T22:03:00")
    assert day_of(ms("2026-01-05T23:59:59")) == day
