"""What is known of the market, and when silence speaks."""

from datetime import timedelta

import pytest

from chassis.clock import ManualClock
from contracts.messages import FeedState
from services.positions.domain.exits import Price
from services.positions.domain.gates import Refusal
from services.positions.handlers.market import Market
from tests.positions.builders import START_MS, a_feed, a_signal, a_tick
from tests.positions.house import House, until


def a_market() -> tuple[Market, ManualClock]:
    clock = ManualClock()
    return Market(clock, 15.0), clock


def test_a_feed_that_was_never_told_of_is_unknown() -> None:
    market, _ = a_market()

    assert (market.feed("XAUUSD"), market.feed_since_ms("XAUUSD"), market.price("XAUUSD")) == (None, None, None)
    assert not market.is_silent("XAUUSD")


def test_a_live_feed_that_says_nothing_for_fifteen_seconds_is_stale_since_its_last_price() -> None:
    market, clock = a_market()
    market.learn_feed(a_feed())
    clock.advance(10)
    market.learn_price(a_tick(10_000, 4000.0, at=clock.now()))
    clock.advance(15)
    assert market.feed("XAUUSD") is FeedState.LIVE

    clock.advance(0.1)

    assert market.feed("XAUUSD") is FeedState.STALE
    assert market.feed_since_ms("XAUUSD") == START_MS + 10_000


def test_a_word_of_the_feed_makes_it_live_again() -> None:
    market, clock = a_market()
    market.learn_feed(a_feed())
    clock.advance(60)

    market.learn_price(a_tick(60_000, 4000.0, at=clock.now()))

    assert market.feed("XAUUSD") is FeedState.LIVE
    assert market.feed_since_ms("XAUUSD") == START_MS


def test_a_tick_that_is_read_again_after_a_restart_is_no_sign_of_life() -> None:
    market, clock = a_market()
    market.learn_feed(a_feed())
    clock.advance(20)

    market.learn_price(a_tick(0, 4000.0, at=clock.now() - timedelta(seconds=16)))

    assert market.feed("XAUUSD") is FeedState.STALE


@pytest.mark.parametrize("state", [FeedState.CLOSED, FeedState.RECONNECTING, FeedState.STALE, FeedState.BACKFILLING])
def test_a_feed_that_said_it_is_not_live_may_be_silent(state: FeedState) -> None:
    market, clock = a_market()
    market.learn_feed(a_feed(state))
    clock.advance(3600)

    assert market.feed("XAUUSD") is state
    assert not market.is_silent("XAUUSD")


def test_the_later_price_by_market_time_stands() -> None:
    market, _ = a_market()
    market.learn_price(a_tick(2000, 4000.0))
    market.learn_price(a_tick(1000, 3999.0))

    assert market.price("XAUUSD") == Price(START_MS + 2000, 4000.0, 4000.2)


async def test_no_signal_is_given_and_no_price_told_while_the_feed_is_silent(house: House) -> None:
    async with house.room(feed_silence_s=3600.0) as room:
        await house.opened(1)
        await house.subscribe(2)
        await until(lambda: room.market.price("XAUUSD"), "the price")
        room.market._heard_s["XAUUSD"] -= 3000.0
        assert not room.market.is_silent("XAUUSD")
        room.market._heard_s["XAUUSD"] -= 600.0

        await house.raise_signal(a_signal(1))
        status, why = await house.status(1), await house.why(2)

    assert why.refusals == (Refusal.FEED_NOT_LIVE,)
    assert status.feed is FeedState.STALE
    assert status.position is not None
    assert (status.position.price, status.position.pnl) == (None, None)
