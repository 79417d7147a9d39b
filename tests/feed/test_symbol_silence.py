"""One symbol in silence: stale, reconnected, closed."""

import pytest

from contracts.messages import FeedState as S
from services.feed.domain.state import Happening
from services.feed.ports import VenueLostError
from tests.feed.builders import NOON_MS, a_quote, ms
from tests.feed.desk import Desk, filled


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
