"""The three times."""

from datetime import timedelta

from chassis.clock import ManualClock, MarketClock, SystemClock
from chassis.trace import child_trace, new_trace


def test_market_time_runs_on_from_the_last_telling_at_its_speed() -> None:
    clock = ManualClock()
    market = MarketClock(clock, speed=60)
    market.set(1_000_000)
    clock.advance(2)
    assert market.now_ms() == 1_000_000 + 120_000
    assert market.wall_s(120) == 2


def test_market_time_is_wall_time_before_the_first_telling() -> None:
    clock = ManualClock()
    assert MarketClock(clock).now_ms() == int(clock.now().timestamp() * 1000)


def test_the_system_clock_is_aware_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()


def test_a_trace_goes_on_under_a_new_span() -> None:
    parent = new_trace()
    child = child_trace(parent)
    assert child.split("-")[1] == parent.split("-")[1]
    assert child.split("-")[2] != parent.split("-")[2]
    assert child_trace("") != ""
