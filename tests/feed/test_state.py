"""The states of a feed, and how patient it is."""

import pytest

from contracts.messages import FeedState
from services.feed.domain.instruments import KNOWN
from services.feed.domain.reconnect import SOUND_S, Backoff
from services.feed.domain.state import Happening, after, grace_ms, silence_limit_s

S = FeedState
H = Happening


@pytest.mark.parametrize(
    ("story", "states"),
    [
        ([H.FILLING, H.CAUGHT_UP, H.LOST], [S.BACKFILLING, S.LIVE, S.RECONNECTING]),
        ([H.FILLING, H.SILENT, H.QUOTED], [S.BACKFILLING, S.STALE, S.LIVE]),
        ([H.FILLING, H.SHUT, H.LOST], [S.BACKFILLING, S.CLOSED, S.RECONNECTING]),
        ([H.FILLING, H.CAUGHT_UP, H.SILENT, H.LOST], [S.BACKFILLING, S.LIVE, S.STALE, S.RECONNECTING]),
        ([H.FILLING, H.SILENT, H.FILLING, H.CAUGHT_UP], [S.BACKFILLING, S.STALE, S.BACKFILLING, S.LIVE]),
        ([H.SHUT, H.QUOTED, H.SHUT, H.SILENT], [S.CLOSED, S.LIVE, S.CLOSED, S.STALE]),
    ],
)
def test_a_feed_lives_through(story, states) -> None:
    state, seen = S.RECONNECTING, []
    for happening in story:
        state = after(state, happening)
        seen.append(state)

    assert seen == states


@pytest.mark.parametrize(
    ("state", "happening"),
    [
        (S.BACKFILLING, H.QUOTED),
        (S.RECONNECTING, H.QUOTED),
        (S.RECONNECTING, H.SILENT),
        (S.LIVE, H.CAUGHT_UP),
        (S.CLOSED, H.FILLING),
    ],
)
def test_what_is_not_in_the_table_changes_nothing(state, happening) -> None:
    assert after(state, happening) is state


@pytest.mark.parametrize(("speed", "limit_s"), [(1.0, 10.0), (2.0, 5.0), (60.0, 2.0), (600.0, 2.0)])
def test_silence_is_measured_on_the_wall_and_never_under_two_seconds(speed, limit_s) -> None:
    assert silence_limit_s(10.0, speed) == limit_s


@pytest.mark.parametrize(("speed", "expected_ms"), [(1.0, 2000), (60.0, 15_000)])
def test_a_candles_grace_is_never_under_a_quarter_of_a_wall_second(speed, expected_ms) -> None:
    assert grace_ms(2000, speed) == expected_ms


def test_waits_double_up_to_the_limit_and_never_end() -> None:
    backoff = Backoff()

    assert [backoff.next_delay_s(0.0, 1.0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.failures = 10_000
    assert backoff.next_delay_s(0.0, 1.0) == 60


def test_a_handshake_alone_does_not_shorten_the_wait() -> None:
    backoff = Backoff()

    assert [backoff.next_delay_s(SOUND_S - 1, 1.0) for _ in range(3)] == [1, 2, 4]
    assert backoff.next_delay_s(SOUND_S, 1.0) == 1


def test_jitter_takes_up_to_half_of_a_wait() -> None:
    assert Backoff(first_s=4).next_delay_s(0, 0.0) == 2


def test_the_widest_spread_is_told_in_price() -> None:
    assert KNOWN["XAUUSD"].max_spread == 10.0
