"""What is asked for, and how the answers become one sequence."""

from hypothesis import given
from hypothesis import strategies as st

from services.feed.domain.backfill import Held, Hole, HoleWatch, Plan, Reach, minutes, plan
from services.feed.domain.sessions import METALS, Calendar
from tests.feed.builders import NOON_MS, a_bar, a_quote, ms

REACH = Reach()
HOUR_MS = 3_600_000


def test_the_first_start_asks_for_a_thousand_bars_and_counts_the_ticks_of_a_strategys_window() -> None:
    todo = plan(NOON_MS + 30_000, Held(), REACH)

    assert todo == Plan(0, 1000, NOON_MS - 100 * 60_000, tell_from_ms=NOON_MS)


def test_a_first_start_beside_known_ticks_tells_none_twice() -> None:
    assert plan(NOON_MS, Held(told_ms=NOON_MS - 5), REACH).tell_from_ms == NOON_MS - 4


def test_a_short_hole_is_asked_tick_by_tick() -> None:
    todo = plan(NOON_MS, Held(folded_ms=NOON_MS - HOUR_MS, told_ms=NOON_MS - HOUR_MS + 7), REACH)

    assert todo == Plan(None, 0, NOON_MS - HOUR_MS, tell_from_ms=NOON_MS - HOUR_MS + 8)


def test_ticks_that_the_broker_lost_are_told_again_from_the_last_closed_minute() -> None:
    assert plan(NOON_MS, Held(folded_ms=NOON_MS - 60_000), REACH).tell_from_ms == NOON_MS - 60_000


def test_a_long_hole_is_asked_by_bars_and_by_ticks_at_its_end() -> None:
    folded_ms = NOON_MS - 48 * HOUR_MS + 12_345

    todo = plan(NOON_MS, Held(folded_ms, folded_ms), REACH)

    assert todo == Plan(NOON_MS // 1000 - 48 * 3600, 5000, NOON_MS - 12 * HOUR_MS, NOON_MS - 12 * HOUR_MS)


def lay(bars=(), quotes=(), *, from_ms=0, now_ms=NOON_MS + HOUR_MS, count=1000):
    return list(minutes(bars, quotes, from_ms=from_ms, now_ms=now_ms, count=count))


def test_bars_and_quotes_meet_in_their_minute() -> None:
    laid = lay([a_bar(0), a_bar(2)], [a_quote(5), a_quote(70), a_quote(130)])

    assert [(m.open_ms, m.bar, m.quotes) for m in laid] == [
        (NOON_MS, a_bar(0), [a_quote(5)]),
        (NOON_MS + 60_000, None, [a_quote(70)]),
        (NOON_MS + 120_000, a_bar(2), [a_quote(130)]),
    ]


def test_the_forming_bar_is_left_out_and_its_quotes_are_kept() -> None:
    laid = lay([a_bar(0), a_bar(1)], [a_quote(65)], now_ms=NOON_MS + 119_999)

    assert [(m.bar, len(m.quotes)) for m in laid] == [(a_bar(0), 0), (None, 1)]


def test_only_the_last_bars_are_kept_and_no_quotes_from_before_them() -> None:
    laid = lay([a_bar(n) for n in range(5)], [a_quote(10), a_quote(190)], count=2)

    assert [(m.bar, len(m.quotes)) for m in laid] == [(a_bar(3), 1), (a_bar(4), 0)]


def test_what_is_known_already_is_left_out() -> None:
    laid = lay([a_bar(0), a_bar(1)], [a_quote(61), a_quote(62)], from_ms=NOON_MS + 62_000)

    assert [(m.bar, m.quotes) for m in laid] == [(a_bar(1), [a_quote(62)])]


@given(moments=st.lists(st.integers(0, 600), max_size=40), bars=st.lists(st.integers(0, 10), max_size=20))
def test_any_answer_becomes_increasing_minutes_and_increasing_quotes(moments, bars) -> None:
    laid = lay([a_bar(n) for n in bars], [a_quote(at_s) for at_s in moments])

    opens = [minute.open_ms for minute in laid]
    times = [quote.epoch_ms for minute in laid for quote in minute.quotes]
    assert opens == sorted(set(opens))
    assert times == sorted(set(times))


def test_ten_minutes_without_prices_in_a_session_are_a_hole() -> None:
    watch = HoleWatch(Calendar(METALS))

    assert watch.see(NOON_MS, NOON_MS) is None
    assert watch.see(NOON_MS + 600_000, NOON_MS + 660_000) is None
    assert watch.see(NOON_MS + 1_260_001, NOON_MS + 1_260_001) == Hole(NOON_MS + 660_000, NOON_MS + 1_260_001)


def test_a_weekend_is_no_hole() -> None:
    watch = HoleWatch(Calendar(METALS), last_ms=ms("2026-01-09T21:55:00"))

    assert watch.see(ms("2026-01-11T23:05:00"), ms("2026-01-11T23:05:00")) is None
    assert watch.last_ms == ms("2026-01-11T23:05:00")


def test_a_hole_watch_never_goes_back() -> None:
    watch = HoleWatch(Calendar(METALS), last_ms=NOON_MS)

    watch.see(NOON_MS - 5000, NOON_MS - 5000)

    assert watch.last_ms == NOON_MS
