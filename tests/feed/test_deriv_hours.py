"""Deriv's trading times into spans of a UTC day."""

from datetime import date

import pytest

from services.feed.adapters.deriv_frames import Listing, TradingEvent, TradingTimes
from services.feed.adapters.deriv_hours import spans_of
from tests.feed.builders import ms

MONDAY, FRIDAY, SATURDAY = date(2026, 9, 14), date(2026, 9, 18), date(2026, 9, 19)


def gold(*events: TradingEvent, opens=("00:00:00", "22:00:00"), closes=("21:00:00", "23:59:59")) -> Listing:
    """As the venue listed it in September 2026."""
    return Listing(
        underlying_symbol="frxXAUUSD",
        times=TradingTimes(list(opens), list(closes)),
        trading_days=["Mon", "Tue", "Wed", "Thu", "Fri"],
        events=[TradingEvent("Fridays", "Closes early (at 20:55)"), *events],
    )


def told(listing: Listing, day: date) -> list[tuple[int, int]]:
    return [tuple(span) for span in spans_of(listing, day)]


def test_a_day_has_its_stretches_and_ends_at_midnight() -> None:
    assert told(gold(), MONDAY) == [
        (ms("2026-09-14T00:00:00"), ms("2026-09-14T21:00:00")),
        (ms("2026-09-14T22:00:00"), ms("2026-09-15T00:00:00")),
    ]


def test_fridays_close_early() -> None:
    assert told(gold(), FRIDAY) == [(ms("2026-09-18T00:00:00"), ms("2026-09-18T20:55:00"))]


def test_a_day_that_is_no_trading_day_is_closed() -> None:
    assert told(gold(), SATURDAY) == []


def test_a_day_without_times_is_closed() -> None:
    assert told(gold(opens=["--"], closes=["--"]), MONDAY) == []


def test_a_holiday_is_closed() -> None:
    assert told(gold(TradingEvent("2026-09-14", "Labour Day")), MONDAY) == []


def test_a_late_opening_cuts_the_morning() -> None:
    spans = told(gold(TradingEvent("2026-09-14", "Opens late (at 01:30)")), MONDAY)

    assert spans[0] == (ms("2026-09-14T01:30:00"), ms("2026-09-14T21:00:00"))


def test_an_event_of_another_day_or_in_unknown_words_changes_nothing() -> None:
    events = [TradingEvent("2026-09-15", "Holiday"), TradingEvent("Mondays", "Something happens")]

    assert told(gold(*events), MONDAY) == told(gold(), MONDAY)


def test_times_that_cannot_be_read_are_an_error() -> None:
    with pytest.raises(ValueError, match="noon"):
        spans_of(gold(opens=["noon"], closes=["21:00:00"]), MONDAY)
    with pytest.raises(ValueError, match="shorter"):
        spans_of(gold(opens=["00:00:00"], closes=[]), MONDAY)
