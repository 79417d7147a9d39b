"""The plug-in contract: what a strategy class must state, and what its parameters may be."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import pytest

from contracts.messages import Interval, Mode
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.opinion import Evaluation, NoSignal
from services.signals.domain.strategy import (
    SearchRange,
    Strategy,
    StrategyError,
    build_strategy,
    check_strategy,
    search_space,
    tunable,
)
from services.signals.domain.trend_pullback import TrendPullback, TrendPullbackParameters
from services.signals.domain.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakoutParameters:
    lookback: int = tunable(20, low=10, high=55, step=5)
    reach: float = 1.5


class Breakout(Strategy[BreakoutParameters]):
    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "breakout"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M5, Interval.M15)
    candles_needed: ClassVar[int] = 60
    window_length: ClassVar[int] = 60
    parameters_type: ClassVar[type] = BreakoutParameters

    def evaluate(self, view: View) -> Evaluation:
        return Evaluation(indicators={}, scores={}, verdicts={Mode.AUTO: NoSignal((f"why.{len(view.window)}",))})


def changed(**attributes: Any) -> type[Strategy[Any]]:
    return type("Changed", (Breakout,), attributes)


def test_plug_in_is_built_with_its_defaults_and_the_changes() -> None:
    strategy = build_strategy(Breakout, {"reach": 2})

    assert strategy.parameters == BreakoutParameters(lookback=20, reach=2)


def test_search_space_names_the_tunable_parameters_only() -> None:
    assert search_space(BreakoutParameters) == {"lookback": SearchRange(10, 55, 5)}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"INTERFACE_VERSION": 1}, "INTERFACE_VERSION is 1, this program speaks 2"),
        ({"name": "Bad.Name"}, "lower-case"),
        ({"intervals": ("M7",)}, "must be some of M1, M5, M15, H1"),
        ({"intervals": ()}, "must be some of M1, M5, M15, H1"),
        ({"candles_needed": 0}, "candles_needed must lie between 1 and 2500"),
        ({"window_length": 2501}, "window_length must lie between 1 and 2500"),
        ({"parameters_type": int}, "parameters_type must be a dataclass"),
    ],
)
def test_class_that_breaks_the_contract_is_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        check_strategy(changed(**attributes))


def test_class_that_states_nothing_is_refused_by_what_is_missing_first() -> None:
    class Nothing(Strategy[BreakoutParameters]):
        def evaluate(self, view: View) -> Evaluation:
            raise NotImplementedError

    with pytest.raises(StrategyError, match="INTERFACE_VERSION is None"):
        check_strategy(Nothing)
    Nothing.INTERFACE_VERSION = 2
    with pytest.raises(StrategyError, match="name is missing"):
        check_strategy(Nothing)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"lookbak": 3}, "no parameter 'lookbak'; did you mean 'lookback'[?] There are lookback, reach"),
        ({"depth": 3}, "no parameter 'depth'; there are lookback, reach"),
        ({"lookback": 9}, "lookback must lie between 10 and 55, not 9"),
        ({"lookback": 3.5}, "lookback must be a whole number"),
        ({"lookback": True}, "lookback must be a whole number"),
        ({"reach": "far"}, "reach must be a finite number"),
        ({"reach": float("nan")}, "reach must be a finite number"),
    ],
)
def test_parameter_of_the_wrong_kind_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        build_strategy(Breakout, overrides)


def test_built_in_strategies_keep_the_contract_under_their_names() -> None:
    for name, strategy_type in BUILT_IN.items():
        check_strategy(strategy_type)
        assert strategy_type.name == name


def test_every_default_lies_in_its_search_range_on_a_step() -> None:
    defaults: dict[str, Any] = {field.name: field.default for field in fields(TrendPullbackParameters)}

    for name, search in search_space(TrendPullback.parameters_type).items():
        steps = (defaults[name] - search.low) / search.step
        assert search.low <= defaults[name] <= search.high, name
        assert steps == pytest.approx(round(steps)), name
