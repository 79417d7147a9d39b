"""Closed minutes beside the venue's last word, in the cases where little or nothing is known."""

from contracts.messages import Interval
from services.feed.domain.corrections import Ledger
from services.feed.domain.quotes import Bar, Candle
from tests.feed.builders import NOON_MS

NOON_S = NOON_MS // 1000
HOUR_LATER_MS = NOON_MS + 3_600_000


def a_minute(minute: int, high: float = 4002.0) -> Candle:
    return Candle(Interval.M1, NOON_S + minute * 60, 4000.0, high, 3999.0, 4001.0, 5)


def its_bar(minute: int, high: float = 4002.0) -> Bar:
    return Bar(NOON_S + minute * 60, 4000.0, high, 3999.0, 4001.0)


def test_where_nothing_was_told_nothing_is_corrected() -> None:
    assert Ledger().revise([its_bar(0)], until_ms=HOUR_LATER_MS, tolerance=0.01) == (Ledger(), ())


def test_a_minute_that_was_never_told_makes_the_longer_candle_that_was_never_told_either() -> None:
    ledger = Ledger((a_minute(0), a_minute(10)))

    _, corrections = ledger.revise([its_bar(7)], until_ms=NOON_MS + 720_000, tolerance=0.01)

    told = [(found.candle.interval, found.candle.open_s - NOON_S, found.was) for found in corrections]
    assert told == [(Interval.M1, 420, None), (Interval.M5, 300, None)]


def test_a_corrected_minute_below_the_others_extremes_leaves_the_longer_candle_as_it_was() -> None:
    ledger = Ledger((a_minute(0, 4010.0), a_minute(1, 4002.0), a_minute(2)))

    _, corrections = ledger.revise([its_bar(1, 4005.0)], until_ms=HOUR_LATER_MS, tolerance=0.01)

    assert [(found.candle.interval, found.candle.high) for found in corrections] == [(Interval.M1, 4005.0)]
