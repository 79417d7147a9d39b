"""The gates before a position."""

import pytest

from contracts.messages import FeedState, Side
from services.positions.domain.gates import (
    GateRules,
    Given,
    Offer,
    Refusal,
    is_cooling,
    market_refusals,
    personal_refusals,
)
from tests.positions.builders import GOLD

RULES = GateRules()
T = 1_000_000_000
OFFER = Offer(Side.BUY, 4000.1, T)


def refusals(*given: Given, has_position: bool = False) -> tuple[Refusal, ...]:
    return personal_refusals(RULES, GOLD, OFFER, has_position=has_position, given=given)


@pytest.mark.parametrize("feed", [None, *(state for state in FeedState if state is not FeedState.LIVE)])
def test_only_a_live_feed_lets_a_signal_through(feed: FeedState | None) -> None:
    assert market_refusals(GOLD, feed=feed, spread=0.2) == (Refusal.FEED_NOT_LIVE,)
    assert market_refusals(GOLD, feed=FeedState.LIVE, spread=0.2) == ()


@pytest.mark.parametrize(("spread", "is_refused"), [(1.0, False), (4001.1 - 4000.1, False), (1.01, True)])
def test_a_spread_of_more_than_ten_pips_is_refused(spread: float, is_refused: bool) -> None:
    assert (Refusal.SPREAD_TOO_WIDE in market_refusals(GOLD, feed=FeedState.LIVE, spread=spread)) is is_refused


def test_an_expired_signal_is_refused() -> None:
    found = market_refusals(GOLD, feed=FeedState.LIVE, spread=0.2, is_expired=True)

    assert found == (Refusal.SIGNAL_EXPIRED,)


def test_somebody_with_a_position_gets_no_other() -> None:
    assert refusals(has_position=True) == (Refusal.POSITION_OPEN,)


@pytest.mark.parametrize(("ago_s", "is_refused"), [(0, True), (29.999, True), (30, False), (-1, False)])
def test_the_cooldown_is_thirty_seconds_of_market_time(ago_s: float, is_refused: bool) -> None:
    given = Given(Side.SELL, 4100.0, T - int(ago_s * 1000))

    assert refusals(given) == ((Refusal.COOLDOWN,) if is_refused else ())
    assert is_cooling(RULES, [given], T) is is_refused


@pytest.mark.parametrize(
    ("side", "entry", "ago_s", "is_refused"),
    [
        (Side.BUY, 4000.1, 60, True),
        (Side.BUY, 4001.1, 60, True),
        (Side.BUY, 3999.1, 119.999, True),
        (Side.BUY, 4001.11, 60, False),
        (Side.BUY, 4000.1, 120, False),
        (Side.SELL, 4000.1, 60, False),
    ],
)
def test_the_same_signal_is_one_of_the_same_side_near_in_price_and_time(
    side: Side, entry: float, ago_s: float, is_refused: bool
) -> None:
    assert refusals(Given(side, entry, T - int(ago_s * 1000))) == ((Refusal.SAME_SIGNAL,) if is_refused else ())


def test_prices_on_both_sides_of_a_bucket_border_are_near() -> None:
    """A distance, not a bucket: 3999.9 and 4000.1 are two pips apart wherever borders are drawn."""
    assert refusals(Given(Side.BUY, 3999.9, T - 60_000)) == (Refusal.SAME_SIGNAL,)


def test_every_closed_gate_is_named() -> None:
    found = refusals(Given(Side.BUY, 4000.1, T - 1000), has_position=True)

    assert found == (Refusal.POSITION_OPEN, Refusal.COOLDOWN, Refusal.SAME_SIGNAL)


def test_the_gates_remember_as_far_as_the_longest_of_them_looks() -> None:
    assert GateRules().memory_ms == 120_000
    assert GateRules(cooldown_s=300).memory_ms == 300_000
