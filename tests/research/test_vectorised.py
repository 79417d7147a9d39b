"""The fast path of a search makes the very trades of the backtest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contracts.messages import Interval
from research.backtest import Span, run_backtest
from research.market import Market
from research.runs import run_in_parts
from research.trades import Entry, Rules
from research.vectorised import Reading, is_vectorisable
from services.positions.domain.gates import GateRules
from services.positions.domain.plans import PLAIN, read_plan
from services.signals.domain.arrays import Arrays, exact_arrays
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.columns import Columns
from services.signals.domain.protections import CooldownPeriod, News, NewsGuard, Protection
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import Strategy, build_strategy, search_space
from services.signals.domain.trend_pullback import TrendPullback
from tests.research.builders import rules
from tests.research.crossing import Crossing
from tests.research.walks import a_market, a_tape, a_walk

READERS = [Crossing, *(kind for kind in BUILT_IN.values() if kind.sides is not Strategy.sides)]
LONG = 5_200
"""Candles with several seams in them."""

walks = {flat: a_market(LONG, flat=flat) for flat in (0.0, 0.4)}
tape = a_tape(4_000)


def parameters_of(kind: type[Strategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Points of the grid that a search would try."""
    whole = {
        name: isinstance(getattr(kind.parameters_type(), name), int) for name in search_space(kind.parameters_type)
    }
    values = {
        name: st.integers(0, int((one.high - one.low) / one.step + 1e-9)).map(
            lambda step, one=one, name=name: (int if whole[name] else float)(round(one.low + step * one.step, 10))
        )
        for name, one in search_space(kind.parameters_type).items()
    }
    return st.fixed_dictionaries({}, optional=values)


def built(kind: type[Strategy[Any]], parameters: Mapping[str, Any]) -> Strategy[Any] | None:
    try:
        return build_strategy(kind, parameters, Interval.M1)
    except ValueError:
        return None


@pytest.mark.parametrize("kind", READERS, ids=lambda kind: kind.name)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_the_fast_path_makes_the_trades_of_the_backtest(kind: type[Strategy[Any]], data: st.DataObject) -> None:
    strategy = built(kind, data.draw(parameters_of(kind)))
    market = data.draw(st.sampled_from([*walks.values(), tape]))
    asked = rules(
        plan=data.draw(st.sampled_from([PLAIN, read_plan("standard"), read_plan("three")])),
        entry=data.draw(st.sampled_from(list(Entry))),
        gates=data.draw(st.sampled_from([GateRules(), GateRules(cooldown_s=0, same_side_s=0)])),
        spread=data.draw(st.sampled_from([0.0, 0.3])),
        slippage=data.draw(st.sampled_from([0.0, 0.05])),
    )
    if strategy is None:
        return
    end_ms = int(market.candles.end_ms[-1])

    (fast,) = run_in_parts(strategy, market, asked, [end_ms])

    assert fast == run_backtest(strategy, market, asked).trades


def test_a_search_of_near_levels_makes_many_trades() -> None:
    """The property above is empty if nothing is ever traded."""
    strategy = build_strategy(Crossing, {"stop_percent": 0.1, "target_percent": 0.1})

    assert is_vectorisable(strategy)
    assert len(run_backtest(strategy, walks[0.0], rules()).trades) > 40


@pytest.mark.parametrize("kind", READERS, ids=lambda kind: kind.name)
def test_arrays_hold_the_bits_that_a_strategy_sees(kind: type[Strategy[Any]]) -> None:
    strategy, candles = build_strategy(kind, {}, Interval.M1), a_walk(LONG, flat=0.3)

    exact = exact_arrays(strategy.indicators(), candles, 60)

    for place, evaluation in StrategyRun(strategy).evaluations(candles, LONG - 2_000):
        for name, shown in evaluation.indicators.items():
            owner = next(own for own in exact.values if name == own or name.startswith(f"{own}_"))
            values = exact.values[owner]
            value = (
                getattr(values, name.removeprefix(f"{owner}_"))[place] if isinstance(values, tuple) else values[place]
            )
            assert (None if np.isnan(value) else value) == shown


def test_a_seam_is_looked_at_even_where_no_side_is_shown() -> None:
    strategy = build_strategy(Crossing, {"slow": 120})
    reading = Reading(strategy, a_walk(LONG))
    object.__setattr__(reading, "arrays", type(reading.arrays)(reading.arrays.values, frozenset({4_000})))

    assert 4_000 in reading.flagged(Span(3_000, LONG)).tolist()


class Wary(Crossing):
    """It keeps away from the news."""

    name: ClassVar[str] = "wary"

    def protections(self) -> list[Protection]:
        return [NewsGuard(minutes_before=30, minutes_after=60)]


def test_what_was_announced_keeps_a_strategy_from_the_market_on_either_path() -> None:
    strategy, market = build_strategy(Wary, {}), walks[0.0]
    undisturbed = run_backtest(strategy, market, rules()).trades
    disturbed_s = undisturbed[1].opened_ms // 1000
    warned = replace(market, calendar=(News(disturbed_s, "NFP"),))

    trades = run_backtest(strategy, warned, rules()).trades

    near = range(disturbed_s - 30 * 60, disturbed_s + 60 * 60 + 1)
    assert undisturbed[0].id == trades[0].id
    assert not any(trade.opened_ms // 1000 in near for trade in trades)
    assert [list(part) for part in run_in_parts(strategy, warned, rules(), [int(market.candles.end_ms[-1])])] == [
        list(trades)
    ]


@pytest.mark.parametrize("parts", [1, 3, 7])
def test_parts_tell_the_trades_closed_so_far(parts: int) -> None:
    market, strategy = walks[0.0], build_strategy(Crossing, {"stop_percent": 0.2, "target_percent": 0.3})
    first_ms, end_ms = int(market.candles.open_time_s[0]) * 1000, int(market.candles.end_ms[-1])
    bounds = [first_ms + (end_ms - first_ms) * part // parts for part in range(1, parts + 1)]

    told = list(run_in_parts(strategy, market, rules(), bounds))

    whole = run_backtest(strategy, market, rules()).trades
    assert told == [tuple(trade for trade in whole if trade.closed_ms <= bound) for bound in bounds]


def test_a_strategy_without_columns_goes_candle_by_candle() -> None:
    strategy, market = build_strategy(TrendPullback, {}), a_market(400)

    (found,) = run_in_parts(strategy, market, rules(), [int(market.candles.end_ms[-1])])

    assert not is_vectorisable(strategy)
    assert found == run_backtest(strategy, market, rules()).trades


class Guarded(Crossing):
    """A strategy whose signals hang on its own trades."""

    def protections(self) -> list[Protection]:
        return [CooldownPeriod(stop_duration_candles=200)]


def test_protections_that_need_trades_are_judged_candle_by_candle() -> None:
    strategy = build_strategy(Guarded, {"stop_percent": 0.1, "target_percent": 0.1})
    market, asked = walks[0.0], rules()

    (found,) = run_in_parts(strategy, market, asked, [int(market.candles.end_ms[-1])])

    assert not is_vectorisable(strategy)
    assert found == run_backtest(strategy, market, asked).trades
    assert len(found) < len(
        run_backtest(build_strategy(Crossing, {"stop_percent": 0.1, "target_percent": 0.1}), market, asked).trades
    )


class Careless(Crossing):
    """Shows no sells."""

    def sides(self, columns: Columns, values: Arrays) -> NDArray[np.int8]:
        return np.maximum(super().sides(columns, values), 0)


def test_a_strategy_that_hides_a_side_is_told_apart() -> None:
    """What the property test would say of a strategy whose columns miss signals."""
    strategy = build_strategy(Careless, {"stop_percent": 0.1, "target_percent": 0.1})
    asked: Rules = rules()

    (found,) = run_in_parts(strategy, walks[0.0], asked, [int(walks[0.0].candles.end_ms[-1])])

    assert found != run_backtest(strategy, walks[0.0], asked).trades


def test_a_market_keeps_its_candles_apart_from_the_fast_path() -> None:
    market = Market("XAUUSD", a_walk(500))
    strategy = build_strategy(Crossing, {})

    list(run_in_parts(strategy, market, rules(), [int(market.candles.end_ms[-1])]))

    assert len(market.candles.rows) == 500
