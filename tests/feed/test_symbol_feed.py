"""One symbol, second by second, with a clock that the test moves."""

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from contracts import messages
from contracts.messages import Interval
from services.feed.domain.ticks import BadInput
from services.feed.handlers.teller import count_bad
from services.feed.ports import VenueLostError
from tests.feed.builders import NOON_MS, a_quote
from tests.feed.desk import Desk, filled


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


def test_a_quote_of_a_candle_that_the_clock_has_closed_is_late_counted_and_dropped() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("sinyal_bad_input_total", {"reason": "late"}) or 0.0

    desk = Desk().go_live()
    desk.clock.advance(63)
    desk.feed.release(desk.market.now_ms())
    ticks, candles, before = desk.ticks, desk.said(messages.CandleClosed), counted()

    desk.feed.hear(a_quote(9, 4001))

    assert len(candles) == 1
    assert (desk.ticks, desk.said(messages.CandleClosed)) == (ticks, candles)
    assert counted() - before == 1


@pytest.mark.parametrize("reason", list(BadInput))
def test_each_reason_has_its_count_and_its_line(reason) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("sinyal_bad_input_total", {"reason": reason}) or 0.0

    before = counted()
    with capture_logs() as lines:
        count_bad(reason, "XAUUSD")

    assert counted() - before == 1
    assert lines == [{"event": "input.dropped", "log_level": "warning", "symbol": "XAUUSD", "reason": reason}]


def test_noise_is_no_reason_to_ask_for_history() -> None:
    desk = Desk().go_live()

    for noise in (a_quote(86_400), a_quote(11, -1.0), a_quote(11, spread=50.0)):
        desk.feed.hear(noise)

    assert not desk.feed.repair_wanted.is_set()


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
