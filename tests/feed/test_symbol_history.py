"""One symbol and its history: holes, corrections, audits, and where it goes on."""

from contracts import messages
from contracts.messages import CandleCorrected, Interval
from services.feed.domain.quotes import Bar, Candle
from services.feed.handlers.resume import Resume
from tests.feed.builders import NOON_MS, a_bar, a_quote
from tests.feed.desk import Desk, filled


def test_what_cannot_be_had_is_told_as_a_gap() -> None:
    desk = Desk().go_live()

    desk.feed.give_up(NOON_MS + 60_000, "InternalError")
    desk.feed.give_up(NOON_MS + 60_000, "InternalError")

    gaps = desk.said(messages.GapRecorded)
    assert [(gap.from_ms, gap.to_ms, gap.reason) for gap in gaps] == [(NOON_MS, NOON_MS + 60_000, "InternalError")]


def test_ten_open_minutes_that_nobody_has_prices_of_are_a_gap() -> None:
    desk = Desk().go_live()
    desk.clock.advance(601)

    desk.feed.fill(filled(a_quote(601, is_backfilled=True)), NOON_MS)

    assert [(gap.from_ms, gap.to_ms) for gap in desk.said(messages.GapRecorded)] == [(NOON_MS, NOON_MS + 601_000)]


def test_a_long_outage_is_told_by_candles_and_at_its_end_by_ticks() -> None:
    desk = Desk().go_live()
    desk.clock.advance(190)
    history = filled(
        a_quote(125, is_backfilled=True), a_quote(190, is_backfilled=True), bars=[a_bar(n) for n in (0, 1, 2)]
    )

    desk.feed.fill(history, NOON_MS + 120_000)

    told = [(c.open_time_s - NOON_MS // 1000, c.volume, c.backfilled, c.bid) for c in desk.said(messages.CandleClosed)]
    assert told == [(0, 1, True, None), (60, 0, True, None), (120, 1, True, None)]
    assert desk.ticks == [0, 125, 190]


def test_behind_history_that_the_stream_did_not_tell_even_a_short_hole_is_asked_for() -> None:
    desk = Desk().go_live()
    desk.clock.advance(20)
    desk.feed.doubt()

    desk.feed.hear(a_quote(4))
    assert desk.feed.repair_wanted.is_set()

    desk.feed.repair_wanted.clear()
    desk.feed.release(desk.market.now_ms())
    desk.feed.hear(a_quote(12))
    assert not desk.feed.repair_wanted.is_set()
    assert desk.ticks == [0, 4, 12]


def test_history_of_times_to_come_and_prices_out_of_reach_is_dropped() -> None:
    desk = Desk().go_live()
    desk.clock.advance(300)
    spike = a_bar(2)._replace(high=9000.0)
    history = [a_quote(at_s, price, is_backfilled=True) for at_s, price in ((3, 4000.0), (4, 400.0), (90_000, 4000.0))]

    desk.feed.fill(filled(*history, bars=[a_bar(0), spike]), NOON_MS)

    assert desk.ticks == [0, 3]
    assert [candle.open_time_s - NOON_MS // 1000 for candle in desk.said(messages.CandleClosed)] == [0]


def test_candles_that_the_venues_history_contradicts_are_corrected_and_never_told_twice() -> None:
    desk = Desk(start_ms=NOON_MS + 1_000_000)
    quotes = [a_quote(60 * n + 30, is_backfilled=True) for n in range(14)]
    desk.feed.fill(filled(*quotes), NOON_MS)
    told = len(desk.said(messages.CandleClosed))
    minute_s = NOON_MS // 1000
    flat = [Bar(minute_s + 60 * n, 4000, 4000, 4000, 4000) for n in range(14)]
    flat[1] = flat[1]._replace(open=4000.01)  # within a step of the price
    flat[2] = flat[2]._replace(high=4007.0)
    flat[11] = flat[11]._replace(low=3990.0)
    del flat[3]  # the venue's silence contradicts nobody

    desk.feed.correct(flat, NOON_MS + 780_000)
    desk.feed.correct(flat, NOON_MS + 780_000)

    found = [(c.interval, (c.open_time_s - minute_s) // 60, c.high, c.low, c.was) for c in desk.said(CandleCorrected)]
    was = (4000.0, 4000.0, 4000.0, 4000.0)
    assert found == [
        (Interval.M1, 2, 4007.0, 4000.0, was),
        (Interval.M1, 11, 4000.0, 3990.0, was),
        (Interval.M5, 0, 4007.0, 4000.0, was),
    ]
    assert len(desk.said(messages.CandleClosed)) == told
    assert [candle.low for candle in desk.feed._fold.finish() if candle.interval is Interval.M15] == [3990.0]


def test_a_minute_that_the_venue_found_later_is_told_as_a_correction_of_nothing() -> None:
    desk = Desk(start_ms=NOON_MS + 600_000)
    desk.feed.fill(filled(*(a_quote(60 * n + 30, is_backfilled=True) for n in (0, 1, 3, 4))), NOON_MS)

    desk.feed.correct([Bar(NOON_MS // 1000 + 120, 4000, 4001, 3999, 4000)], NOON_MS + 240_000)

    (found,) = desk.said(CandleCorrected)
    assert (found.open_time_s, found.was, found.volume) == (NOON_MS // 1000 + 120, None, 0)


def test_audits_come_every_five_minutes_of_a_market_that_is_open() -> None:
    desk = Desk().go_live()
    assert desk.feed.audit_wanted.is_set()
    desk.feed.audit_wanted.clear()

    asked = []
    for second in range(1, 1000):
        desk.feed.hear(a_quote(second))
        desk.pass_s(1)
        if desk.feed.audit_wanted.is_set():
            asked.append(second)
            desk.feed.audit_wanted.clear()

    assert asked == [300, 600, 900]


def test_history_that_cannot_be_is_dropped() -> None:
    desk = Desk().go_live()
    broken = a_bar(1)._replace(high=1.0)

    desk.feed.fill(filled(a_quote(3, -5.0, is_backfilled=True), bars=[broken]), NOON_MS)

    assert desk.ticks == [0]
    assert desk.said(messages.CandleClosed) == []


def test_a_feed_that_resumes_tells_no_candle_twice_and_rolls_up_whole_hours() -> None:
    desk = Desk(start_ms=NOON_MS + 600_000)
    known = tuple(Candle(Interval.M1, NOON_MS // 1000 + 60 * n, 1, 1, 1, 1, 60) for n in range(4))
    opens = {Interval.M1: known[-1].open_s, Interval.M5: NOON_MS // 1000 - 300}
    desk.feed.resume(Resume(known, opens, told_ms=NOON_MS + 250_000))
    assert desk.feed.held == (held := desk.feed.held)
    assert (held.folded_ms, held.told_ms) == (NOON_MS + 240_000, NOON_MS + 250_000)

    quotes = [a_quote(at_s, 2, is_backfilled=True) for at_s in (245, 250, 255, 301)]
    desk.feed.fill(filled(*quotes), NOON_MS + 250_001)

    told = [(c.interval, c.open_time_s - NOON_MS // 1000, c.volume) for c in desk.said(messages.CandleClosed)]
    assert told == [(Interval.M1, 240, 3), (Interval.M5, 0, 243)]
    assert desk.ticks == [255, 301]
