"""The strategy plug-in: the contract between a trading idea and everything that runs it.

One object serves the live service, the backtest and the parameter search. It sees closed candles and nothing else: no
clock, no account, no network. A plug-in is a class like this, complete as it stands:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class BreakoutParameters:
        lookback: int = tunable(20, low=10, high=55, step=5)

    class Breakout(Strategy[BreakoutParameters]):
        INTERFACE_VERSION = 1
        name, version, interval = "breakout", "1.0.0", Interval.M5
        candles_needed = window_length = 60
        parameters_type = BreakoutParameters

        def evaluate(self, window): ...
"""

import dataclasses
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from contracts.messages import Interval
from services.signals.domain.candle import Candle
from services.signals.domain.opinion import Evaluation

CURRENT_INTERFACE = 1  # raised when a strategy written for an older one could not run or would mean something else
LONGEST_WINDOW = 2_500  # candles kept per series: seeded averages are equal to 1e-12 by then (EMA 200)

Parameters = TypeVar("Parameters")


class StrategyError(ValueError):
    """A strategy class or its parameters do not keep the contract."""


@dataclass(frozen=True, slots=True)
class SearchRange:
    """Where a parameter search may look: `low` to `high`, both included, in steps of `step`."""

    low: float
    high: float
    step: float


def tunable(default: Any, *, low: float, high: float, step: float) -> Any:
    """Declare a parameter with its default and the range that a search may try.

    Typed Any, as `dataclasses.field` is, so that the annotation of the field stays the only type.
    """
    return dataclasses.field(default=default, metadata={"search": SearchRange(low, high, step)})


def search_space(parameters_type: type) -> dict[str, SearchRange]:
    """Return the search range of every parameter that has one, by name; the others are fixed."""
    fields = dataclasses.fields(parameters_type)
    return {field.name: field.metadata["search"] for field in fields if "search" in field.metadata}


class Strategy(ABC, Generic[Parameters]):
    """One trading idea with its parameters.

    `name` is a token of subjects and ids, `version` is told with every signal and must rise when the same candles
    would give another opinion. `candles_needed` is the least number of candles it can judge, `window_length` the
    number it is given where there are as many.
    """

    INTERFACE_VERSION: ClassVar[int]
    name: ClassVar[str]
    version: ClassVar[str]
    interval: ClassVar[Interval]
    candles_needed: ClassVar[int]
    window_length: ClassVar[int]
    parameters_type: ClassVar[type]

    def __init__(self, parameters: Parameters) -> None:
        """Hold the parameters; a strategy has no other state."""
        self.parameters = parameters

    @abstractmethod
    def evaluate(self, window: Sequence[Candle]) -> Evaluation:
        """Return what it says about the last candle of `window` (closed candles, oldest first).

        Pure: equal windows give equal evaluations. Fewer than `candles_needed` candles are no signal, not an error.
        """


def check_strategy(strategy_type: type[Strategy[Any]]) -> None:
    """Raise StrategyError naming the first thing in which the class does not keep the contract."""
    who = strategy_type.__name__
    written_for = getattr(strategy_type, "INTERFACE_VERSION", None)
    if written_for != CURRENT_INTERFACE:
        raise StrategyError(f"{who}: INTERFACE_VERSION is {written_for}, this program speaks {CURRENT_INTERFACE}")
    for attribute in ("name", "version", "interval", "candles_needed", "window_length", "parameters_type"):
        if not hasattr(strategy_type, attribute):
            raise StrategyError(f"{who}: {attribute} is missing")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", strategy_type.name):
        raise StrategyError(f"{who}: name {strategy_type.name!r} must be lower-case letters, digits and underscores")
    if strategy_type.interval not in tuple(Interval):
        raise StrategyError(f"{who}: interval {strategy_type.interval!r} must be one of {', '.join(Interval)}")
    if not 1 <= strategy_type.candles_needed <= strategy_type.window_length <= LONGEST_WINDOW:
        raise StrategyError(f"{who}: needs 1 <= candles_needed <= window_length <= {LONGEST_WINDOW}")


def build_strategy(strategy_type: type[Strategy[Parameters]], overrides: Mapping[str, Any]) -> Strategy[Parameters]:
    """Return the checked strategy with its default parameters, changed by `overrides` (name → number).

    Raises StrategyError for a class that breaks the contract, an unknown name, or a value of the wrong kind.
    """
    check_strategy(strategy_type)
    fields = {field.name: field for field in dataclasses.fields(strategy_type.parameters_type)}
    for name, value in overrides.items():
        if name not in fields:
            raise StrategyError(f"{strategy_type.name}: no parameter {name!r}; there are {', '.join(sorted(fields))}")
        _check_number(f"{strategy_type.name}.{name}", value, whole=isinstance(fields[name].default, int))
    return strategy_type(strategy_type.parameters_type(**overrides))


def _check_number(what: str, value: Any, *, whole: bool) -> None:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise StrategyError(f"{what} must be a {'whole' if whole else 'finite'} number, not {value!r}")
