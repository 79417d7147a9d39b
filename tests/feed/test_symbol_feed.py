"""One symbol, second by second, with a clock that the test moves."""

import pytest

from chassis.clock import ManualClock, MarketClock
from chassis.memory_bus import MemoryBus
from contracts import codec, messages
from contracts.messages import CandleCorrected, FeedState, Interval
from services.feed.domain.backfill import Minute, minutes
from services.feed.domain.instruments import KNOWN
from services.feed.domain.quotes import Bar, Candle
from services.feed.domain.state import Happening
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.resume import Resume
from services.feed.handlers.symbol_feed import Patience, SymbolFeed
from services.feed.handlers.teller import Teller
from services.feed.ports import VenueLostError
from tests.feed.builders import NOON_MS, a_bar, a_quote, ms

S = FeedState


class Desk:
    """A symbol's feed at noon of a trading Monday, and what it said."""

    def __init__(self, *, speed: float = 1.0, start_ms: int = NOON_MS) -> None:
        self.clock = ManualClock()
        self.market = MarketClock(self.clock, speed)
        self.market.set(start_ms)
        self.outlet = Outlet(MemoryBus(self.clock))
        teller = Teller("XAUUSD", "deriv", self.outlet, self.clock, self.market)
        self.feed = SymbolFeed(KNOWN["XAUUSD"], teller, self.clock, self.market, Patience())

    def said(self, kind: type) -> list:
        noun = {
            messages.Tick: "tick",
            messages.CandleClosed: "candle",
            messages.FeedStateChanged: "feed",
            CandleCorrected: "correction",
        }
        prefix = noun.get(kind, "gap")
        return [
            codec.decode(m.body, kind)
            for m in (said.outgoing for said in self.outlet._queue)
            if m.subject.startswith(f"{prefix}.")
        ]

    @property
    def ticks(self) -> list[float]:
        return [(tick.epoch_ms - NOON_MS) / 1000 for tick in self.said(messages.Tick)]

    @property
    def states(self) -> list[FeedState]:
        return [change.state for change in self.said(messages.FeedStateChanged)]

    def go_live(self) -> "Desk":
        self.feed.happen(Happening.FILLING, "")
        self.feed.hear(a_quote(0))
        self.feed.release(NOON_MS)
        self.feed.await_quote()
        return self

    def pass_s(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.feed.beat(self.market.now_ms())


def filled(*quotes, bars=()) -> list[Minute]:
    return list(minutes(bars, quotes, from_ms=0, now_ms=NOON_MS + 10**9, count=1000))


def test_live_quotes_wait_until_history_was_told() -> None:
    desk = Desk()
    desk.feed.hear(a_quote(5))
    assert desk.ticks == []

    desk.feed.fill(filled(a_quote(3, is_backfilled=True), a_quote(4, is_backfilled=True)), NOON_MS)
    desk.feed.release(NOON_MS + 5000)

    assert desk.ticks == [3, 4, 5]


def test_a_live_quote_that_history_told_already_is_not_told_again() -> None:
    desk = Desk()
    for at_s in (3, 4, 5):
        desk.feed.hear(a_quote(at_s))

    desk.feed.fill(filled(*(a_quote(at_s, is_backfilled=True) for at_s in (2, 3, 4))), NOON_MS)
    desk.feed.release(NOON_MS + 5000)
    desk.feed.hear(a_quote(5))

    assert desk.ticks == [2, 3, 4, 5]


def test_the_first_live_quote_that_is_news_bounds_what_is_missing() -> None:
    desk = Desk().go_live()
    desk.feed.hold()
    for quote in (a_quote(-3), a_quote(0), a_quote(7, -4000), a_quote(8), a_quote(9)):
        desk.feed.hear(quote)

    assert desk.feed.first_waiting_ms() == NOON_MS + 8000


def test_a_pause_makes_quotes_wait_and_wants_a_repair() -> None:
    desk = Desk().go_live()
    desk.clock.advance(20)

    desk.feed.hear(a_quote(10))
    assert not desk.feed.repair_wanted.is_set()
    desk.feed.hear(a_quote(20.001))

    assert desk.feed.repair_wanted.is_set()
    assert desk.ticks == [0, 10]


def test_a_candle_is_closed_by_the_clock_only_after_history_was_asked() -> None:
    desk = Desk().go_live()
    desk.clock.advance(55)
    desk.feed.release(desk.market.now_ms())
    for at_s in range(9, 56, 9):
        desk.feed.hear(a_quote(at_s))
    desk.pass_s(6.9)
    assert not desk.feed.repair_wanted.is_set()
    desk.pass_s(0.2)

    assert desk.feed.repair_wanted.is_set()
    assert desk.said(messages.CandleClosed) == []

    desk.feed.release(desk.market.now_ms())
    assert [candle.open_time_s * 1000 for candle in desk.said(messages.CandleClosed)] == [NOON_MS]


def test_silence_makes_a_feed_stale_and_more_of_it_ends_the_connection() -> None:
    desk = Desk().go_live()
    desk.pass_s(9.9)
    assert desk.feed.state is S.LIVE

    desk.pass_s(0.2)
    assert desk.feed.state is S.STALE

    with pytest.raises(VenueLostError, match="no quote of XAUUSD for 30 s"):
        desk.pass_s(20)


def test_each_vain_reconnect_waits_longer_and_a_quote_makes_it_patient_no_more() -> None:
    desk = Desk().go_live()
    limits = []
    for _ in range(5):
        desk.feed.await_quote()
        for second in range(1, 400):
            desk.clock.advance(1)
            try:
                desk.feed.beat(desk.market.now_ms())
            except VenueLostError:
                limits.append(second)
                break
        desk.feed.lose("lost")
    assert limits == [30, 60, 120, 240, 240]

    desk.feed.release(NOON_MS)
    desk.feed.hear(a_quote(9))
    desk.feed.await_quote()
    with pytest.raises(VenueLostError):
        desk.pass_s(30)


def test_a_quote_makes_a_stale_feed_live_and_history_alone_does_not() -> None:
    desk = Desk().go_live()
    desk.pass_s(11)

    desk.feed.fill(filled(a_quote(5, is_backfilled=True)), NOON_MS)
    assert desk.feed.state is S.STALE

    desk.feed.hear(a_quote(6))
    assert desk.feed.state is S.LIVE


def test_refused_quotes_do_not_break_a_silence() -> None:
    desk = Desk().go_live()
    for _ in range(11):
        desk.feed.hear(a_quote(1, -4000))
        desk.pass_s(1)

    assert desk.feed.state is S.STALE


def test_in_a_fast_market_two_wall_seconds_of_silence_are_none() -> None:
    desk = Desk(speed=60).go_live()
    desk.pass_s(1.9)

    assert desk.feed.state is S.LIVE


def test_a_market_closes_in_silence_and_nothing_is_called_stale_until_it_has_opened_again() -> None:
    desk = Desk(start_ms=ms("2026-01-09T21:57:55"))
    desk.feed.happen(Happening.FILLING, "")
    desk.feed.release(desk.market.now_ms())
    desk.feed.await_quote()

    for _ in range(49 * 60 + 4):
        desk.pass_s(60)
    assert desk.states == [S.BACKFILLING, S.STALE, S.CLOSED]

    desk.pass_s(60)
    desk.pass_s(8)
    assert desk.feed.calendar.is_open(desk.market.now_ms())
    assert desk.feed.state is S.CLOSED
    desk.pass_s(3)
    assert desk.feed.state is S.STALE


def test_a_connection_lost_over_the_weekend_tells_nobody_and_one_lost_in_a_session_does() -> None:
    desk = Desk(start_ms=ms("2026-01-10T12:00:00"))
    desk.feed.happen(Happening.SHUT, "market closed")
    desk.feed.lose("lost")
    assert desk.states == [S.CLOSED]

    desk.market.set(ms("2026-01-12T12:00:00"))
    desk.feed.lose("lost")
    assert desk.states == [S.CLOSED, S.RECONNECTING]


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


def test_noise_is_no_reason_to_ask_for_history() -> None:
    desk = Desk().go_live()

    for noise in (a_quote(86_400), a_quote(11, -1.0), a_quote(11, spread=50.0)):
        desk.feed.hear(noise)

    assert not desk.feed.repair_wanted.is_set()


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


def test_forming_candles_are_drawn_as_they_stand_when_it_is_their_turn() -> None:
    desk = Desk().go_live()
    desk.clock.advance(70)
    desk.feed.hear(a_quote(5, 4003))
    desk.feed.hear(a_quote(9, 3999))

    drawn = list(desk.outlet._drafts["XAUUSD"]())

    assert [(c.interval, c.high, c.low, c.close, c.volume) for c in drawn] == [
        (interval, 4003, 3999, 3999, 3) for interval in Interval
    ]
    assert {c.quote_ms for c in drawn} == {NOON_MS + 9000}


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


def test_too_many_waiting_quotes_end_the_connection(monkeypatch) -> None:
    monkeypatch.setattr("services.feed.handlers.symbol_feed.MOST_WAITING", 2)
    desk = Desk()
    desk.feed.hear(a_quote(1))
    desk.feed.hear(a_quote(2))

    with pytest.raises(VenueLostError, match="history takes too long"):
        desk.feed.hear(a_quote(3))


def test_a_message_carries_the_trace_of_the_quote_that_caused_it() -> None:
    desk = Desk().go_live()
    desk.clock.advance(60)
    for at_s in (9, 19, 29, 39, 49, 59, 60):
        desk.feed.hear(a_quote(at_s))

    tick = next(tick for tick in desk.said(messages.Tick) if tick.epoch_ms >= NOON_MS + 60_000)
    candle = desk.said(messages.CandleClosed)[0]
    assert candle.trace.split("-")[1] == tick.trace.split("-")[1]
    assert candle.quote_ms == NOON_MS + 59_000
