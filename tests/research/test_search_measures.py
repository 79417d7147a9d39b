"""What a search makes large, what it puts aside, and where it looks."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from contracts.messages import Side
from research.search.asking import answer
from research.search.objectives import HIGHEST_FACTOR, Objective, score
from research.search.spaces import SpaceError, size_of, space_of
from research.search.splits import Unseen, overfit_warnings, split_of
from services.signals.domain.strategy import SearchRange
from tests.research.builders import rules
from tests.research.crossing import Crossing
from tests.research.questions import MARKET, SPACE, a_question


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """A closed trade, as far as an objective looks at it."""

    pnl: Decimal
    r: float
    closed_ms: int
    side: Side = Side.BUY
    opened_ms: int = 0


@pytest.mark.parametrize(
    ("objective", "pnls", "expected"),
    [
        (Objective.PROFIT_FACTOR, [3, -1, 1, -1], 2.0),
        (Objective.PROFIT_FACTOR, [3, 1], HIGHEST_FACTOR),
        (Objective.PROFIT_FACTOR, [0, 0], 0.0),
        (Objective.EXPECTANCY_R, [3, -1, 1, -1], 0.5),
        (Objective.CALMAR, [3, -2, -1, 4], 4 / 3),
        (Objective.CALMAR, [1, 1], HIGHEST_FACTOR),
        (Objective.CALMAR, [-1, -1], -1.0),
    ],
)
def test_objectives_are_what_they_say(objective: Objective, pnls: list[int], expected: float) -> None:
    trades = [Earned(pnl=Decimal(pnl), r=float(pnl), closed_ms=at) for at, pnl in enumerate(pnls)]

    assert score(objective, trades, candle_ends_ms=(), fewest=1) == pytest.approx(expected)
    assert score(objective, trades, candle_ends_ms=(), fewest=5) is None


def test_the_split_puts_the_last_candles_aside() -> None:
    split = split_of(MARKET, rules(), 0.25)

    candles = MARKET.candles
    assert split.at_ms == int(candles.open_time_s[3_000]) * 1000
    assert (split.from_ms, split.until_ms) == (int(candles.open_time_s[0]) * 1000, int(candles.end_ms[-1]))


def test_no_trial_sees_what_is_put_aside() -> None:
    """Other candles out of sample change nothing in sample."""
    bent = replace(MARKET, candles=replace(MARKET.candles, close=MARKET.candles.close.copy()))
    bent.candles.close[3_000:] = bent.candles.low[3_000:]

    usual, other = (answer(a_question(market=market, unseen_share=0.25, trials=10)) for market in (MARKET, bent))

    assert usual.found.outcomes == other.found.outcomes
    assert usual.unseen != other.unseen


@pytest.mark.parametrize(
    ("found", "unseen", "told"),
    [
        (1.8, Unseen(0.9, 40, -3.0), "1 is what luck gives"),
        (3.0, Unseen(1.5, 40, 9.0), "keeps 25%"),
        (2.0, Unseen(None, 1, 0.0), "too few"),
        (0.8, Unseen(0.7, 40, -9.0), "Nothing found"),
    ],
)
def test_a_result_that_does_not_last_is_warned_of(found: float, unseen: Unseen, told: str) -> None:
    (warning,) = overfit_warnings(Objective.PROFIT_FACTOR, found, unseen)

    assert told in warning


def test_a_result_that_lasts_is_not_warned_of() -> None:
    assert overfit_warnings(Objective.PROFIT_FACTOR, 1.6, Unseen(1.5, 60, 40.0)) == []


def test_spaces_are_grids_that_end_on_a_step() -> None:
    space = space_of(Crossing, held={}, only={"fast": SearchRange(5, 12, 3), "middle": SearchRange(40, 41.7, 0.5)})

    assert space.distributions == {
        "fast": IntDistribution(5, 11, step=3),
        "middle": FloatDistribution(40, 41.5, step=0.5),
    }
    assert size_of(space) == 3 * 4


@pytest.mark.parametrize(
    ("held", "only", "told"),
    [
        ({}, {"speed": None}, "no parameter 'speed'"),
        ({"fast": 9}, {"fast": None}, "held and searched at once"),
        ({}, {"fast": SearchRange(9, 5, 1)}, "a range must rise"),
        ({}, {"fast": SearchRange(1, 9, 1)}, "between 5 and 40"),
        ({}, {"fast": SearchRange(5, 9, 0.5)}, "whole number"),
        ({}, {"fast": SearchRange(5, 9, 0)}, "steps above zero"),
        (dict.fromkeys(SPACE.defaults, 1) | {"strength": 9, "middle": 50.0}, {}, "no parameter left"),
    ],
)
def test_a_wrong_space_is_refused(held: dict[str, Any], only: dict[str, Any], told: str) -> None:
    with pytest.raises(SpaceError, match=told):
        space_of(Crossing, held=held, only=only)
