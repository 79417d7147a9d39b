"""What a tick does to one trade, said case by case. R is 2.00 here: entry 4000.10, stop 3998.10."""

from collections.abc import Sequence

import pytest

from contracts.messages import ExitReason, Side
from services.positions.domain.course import Followed, StopMoved, Stopped, TargetReached, TimedOut, after, step
from services.positions.domain.exits import Price
from services.positions.domain.plans import (
    PLAIN,
    SCALED,
    STANDARD,
    Bracket,
    Plan,
    course_of,
    read_plan,
    targets_of,
)
from tests.positions.builders import GOLD

BREAK_EVEN, TRAILING = ExitReason.BREAK_EVEN, ExitReason.TRAILING


def a_trade(plan: Plan, side: Side = Side.BUY, opened_ms: int = 0) -> Followed:
    bracket = Bracket(side=side, entry=4000.1, initial_stop=4000.1 - 2 * side.sign)
    first, *later = targets_of(plan, bracket, GOLD, 4000.1 + 5 * side.sign)
    course = course_of(plan, bracket, GOLD, opened_ms)
    return Followed("p", side, bracket.initial_stop, first, opened_ms, tuple(later), course)


def played(one: Followed, closing: Sequence[float]) -> tuple[list[object], Followed | None]:
    """Play executable prices, one a second; returns what happened and how the trade stands."""
    happened: list[object] = []
    left: Followed | None = one
    for second, price in enumerate(closing, start=1):
        if left is None:
            break
        bid, ask = (price, price + 0.2) if one.side is Side.BUY else (price - 0.2, price)
        found = step(left, Price(one.in_force_ms + 1000 * second, round(bid, 2), round(ask, 2)))
        happened += found
        left = after(left, found)
    return happened, left


def test_a_plain_plan_has_a_target_and_a_stop_and_nothing_moves() -> None:
    assert played(a_trade(PLAIN), [4001.2, 4002.5, 3998.2]) == ([], a_trade(PLAIN))
    assert played(a_trade(PLAIN), [4005.1])[0] == [TargetReached(4005.1, is_last=True)]
    assert played(a_trade(PLAIN), [3998.1])[0] == [Stopped(3998.1, ExitReason.STOP)]


def test_half_way_to_its_risk_a_trade_can_lose_nothing_any_more() -> None:
    happened, left = played(a_trade(STANDARD), [4001.0, 4001.1, 4000.2, 4000.1])

    assert happened == [StopMoved(4000.1, BREAK_EVEN), Stopped(4000.1, BREAK_EVEN)]
    assert left is None


def test_from_one_r_the_stop_follows_half_a_dollar_behind_in_steps_of_a_pip() -> None:
    happened, left = played(a_trade(STANDARD), [4002.1, 4002.15, 4002.2, 4002.0, 4002.29, 4001.7])

    assert happened == [StopMoved(4001.6, TRAILING), StopMoved(4001.7, TRAILING), Stopped(4001.7, TRAILING)]
    assert left is None


def test_a_sell_is_a_buy_in_the_mirror() -> None:
    happened, _ = played(a_trade(STANDARD, Side.SELL), [3999.1, 3998.1, 3998.0, 3998.5])

    assert happened == [
        StopMoved(4000.1, BREAK_EVEN),
        StopMoved(3998.6, TRAILING),
        StopMoved(3998.5, TRAILING),
        Stopped(3998.5, TRAILING),
    ]


def test_the_stop_that_a_tick_moves_does_not_stop_the_trade_in_that_tick() -> None:
    one = a_trade(read_plan("single+tightening"))

    happened, left = played(one, [3999.0])

    assert happened == [StopMoved(3999.1, ExitReason.STOP)]
    assert left is not None
    assert played(left, [3999.0])[0] == [Stopped(3999.1, ExitReason.STOP)]


def test_three_targets_close_parts_and_the_first_frees_the_rest_of_risk() -> None:
    happened, left = played(a_trade(Plan(targets=SCALED.targets, trailing=False, break_even=False)), [4002.1, 4003.1])

    assert happened == [
        TargetReached(4002.1, is_last=False), StopMoved(4000.1, BREAK_EVEN), TargetReached(4003.1, is_last=False),
    ]  # fmt: skip
    assert left is not None
    assert (left.targets, left.stop) == ((4005.1,), 4000.1)
    assert played(left, [4000.0])[0] == [Stopped(4000.1, BREAK_EVEN)]


def test_a_gap_over_all_targets_reaches_each_of_them_once() -> None:
    happened, left = played(a_trade(SCALED), [4010.0])

    assert happened == [
        TargetReached(4002.1, is_last=False), TargetReached(4003.1, is_last=False), TargetReached(4005.1, is_last=True),
    ]  # fmt: skip
    assert left is None


def test_a_trade_whose_time_is_up_ends_at_the_price_of_that_tick_after_its_targets_and_its_stop() -> None:
    one = a_trade(read_plan("three+limit:3"))

    assert played(one, [4001.0, 4001.0, 4000.9])[0] == [TimedOut(4000.9)]
    assert played(one, [4001.0, 4001.0, 4002.2])[0] == [TargetReached(4002.1, is_last=False), TimedOut(4002.2)]
    assert played(one, [4001.0, 4001.0, 3990.0])[0] == [Stopped(3998.1, ExitReason.STOP)]


def test_a_tick_from_before_the_levels_were_in_force_changes_nothing() -> None:
    one = a_trade(STANDARD, opened_ms=5000)

    assert [step(one, Price(at_ms, 3990.0, 3990.2)) for at_ms in (4000, 5000)] == [(), ()]
    assert step(one, Price(5001, 3990.0, 3990.2)) == (Stopped(3998.1, ExitReason.STOP),)


@pytest.mark.parametrize("price", [4001.1, 4002.2, 3999.0])
def test_a_tighter_stop_is_never_loosened(price: float) -> None:
    one = a_trade(read_plan("single+break_even+trailing+tightening"))
    tight = Followed("p", one.side, 4002.05, one.target, 0, (), one.course, TRAILING)

    assert [one for one in step(tight, Price(1, max(price, 4002.06), 4010.0)) if isinstance(one, StopMoved)] == []
