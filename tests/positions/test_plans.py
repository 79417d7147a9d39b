"""Plans: how they are written, chosen, and turned into prices."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Side
from services.positions.domain.plans import (
    LONGEST_LIMIT_S,
    PLAIN,
    PLANS,
    SCALED,
    STANDARD,
    Bracket,
    Choice,
    Plan,
    Targets,
    UnknownPlanError,
    course_of,
    read_plan,
    reward_of,
    targets_of,
)
from tests.positions.builders import GOLD

ANY = st.builds(
    Plan,
    targets=st.sampled_from(list(Targets)),
    break_even=st.booleans(),
    trailing=st.booleans(),
    tightening=st.booleans(),
    time_limit_s=st.one_of(st.none(), st.integers(1, LONGEST_LIMIT_S)),
)


@given(ANY)
def test_a_plan_is_read_as_it_was_written(plan: Plan) -> None:
    assert read_plan(str(plan)) == plan


def test_a_plan_has_a_name_or_is_written_out() -> None:
    assert [read_plan(name) for name in PLANS] == list(PLANS.values())
    assert str(STANDARD) == "single+break_even+trailing"
    assert read_plan("single") == PLAIN
    assert read_plan("three + trailing + limit:60") == Plan(targets=Targets.THREE, break_even=False, time_limit_s=60)


@pytest.mark.parametrize("text", ["", "four", "single+", "limit:0", "limit:x", "trailing:5", "limit:99999999"])
def test_what_is_no_plan_is_refused_by_its_word(text: str) -> None:
    with pytest.raises(UnknownPlanError, match="is no part of a plan: plain, standard"):
        read_plan(text)


def test_choices_lie_over_the_plan_of_the_strategy() -> None:
    assert Choice().over(SCALED) == SCALED
    assert Choice(targets=Targets.SINGLE, trailing=False).over(SCALED) == Plan(trailing=False)
    assert Choice(time_limit_s=60).over(PLAIN).time_limit_s == 60
    assert Choice(time_limit_s=0).over(read_plan("limit:60")).time_limit_s is None


@pytest.mark.parametrize("targets", list(Targets))
def test_the_shares_of_a_plan_add_up_to_one(targets: Targets) -> None:
    assert sum(Plan(targets=targets).shares) == Decimal(1)


@pytest.mark.parametrize(("side", "prices"), [
    (Side.BUY, (4002.1, 4003.1, 4005.1)), (Side.SELL, (3998.1, 3997.1, 3995.1)),
])  # fmt: skip
def test_three_targets_lie_at_one_one_and_a_half_and_two_and_a_half_r(side: Side, prices: tuple[float, ...]) -> None:
    bracket = Bracket(side=side, entry=4000.1, initial_stop=4000.1 - 2 * side.sign)

    assert targets_of(SCALED, bracket, GOLD, 1.0) == prices
    assert targets_of(PLAIN, bracket, GOLD, 4004.0) == (4004.0,)


def test_a_risk_too_small_for_three_targets_has_the_signals_one() -> None:
    bracket = Bracket(side=Side.BUY, entry=4000.1, initial_stop=4000.09)

    assert targets_of(SCALED, bracket, GOLD, 4000.2) == (4000.2,)


def test_the_reward_of_three_targets_is_that_of_their_shares() -> None:
    assert reward_of(SCALED, 9.9) == 1.55
    assert reward_of(STANDARD, 1.45) == 1.45


def test_a_switch_that_is_off_has_no_price() -> None:
    bracket = Bracket(side=Side.SELL, entry=4000.1, initial_stop=4002.1)

    off = course_of(PLAIN, bracket, GOLD, 1000)
    on = course_of(read_plan("three+break_even+trailing+tightening+limit:60"), bracket, GOLD, 1000)

    assert (off.break_even_at, off.trail, off.trail_from, off.tighten_at, off.deadline_ms) == (None,) * 5
    assert not off.is_break_even_after_target
    assert (on.break_even_at, on.trail_from, on.tighten_at, on.tighten_to) == (3999.1, 3998.1, 4001.1, 4001.1)
    assert (on.is_break_even_after_target, on.deadline_ms) == (True, 61_000)
