"""The strategy plug-in: the contract between a trading idea and everything that runs it.

One class serves the live service, the backtest and the parameter search, and all of them drive it through
`running.StrategyRun`. It sees closed candles and its own indicators and nothing else: no clock, no account, no
network. A plug-in is a class like this, complete as it stands:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class CrossParameters:
        fast: int = tunable(20, low=5, high=40, step=5)
        slow: int = tunable(50, low=40, high=200, step=10)

    class Cross(Strategy[CrossParameters]):
        INTERFACE_VERSION = 2
        name, version, intervals = "cross", "1.0.0", (Interval.M5,)
        candles_needed = 250
        parameters_type = CrossParameters

        def indicators(self):
            return {"fast": Ema(self.parameters.fast), "slow": Ema(self.parameters.slow), "atr": Atr(14)}

        def evaluate(self, view):
            if view.before.fast <= view.before.slow and view.now.fast > view.now.slow:
                return self.trade(Side.BUY, view, reasons=("reason.ema_crossed.buy",))
            return NoSignal(("why.no_cross",))

        def levels(self, side, view, strength):
            return levels_at(side, view.candle.close, stop_distance=2 * view.now.atr, rr=2.0)
"""

import dataclasses
import difflib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from contracts.messages import Interval, Side
from services.signals.domain.anchors import WARM_UP
from services.signals.domain.arrays import Arrays
from services.signals.domain.candle import Candle
from services.signals.domain.columns import Columns
from services.signals.domain.indicator import Indicator
from services.signals.domain.levels import Levels
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.protections import Protection
from services.signals.domain.view import View

CURRENT_INTERFACE = 2  # raised when a strategy written for an older one could not run or would mean something else
LONGEST_WINDOW = WARM_UP  # what is surely held before any candle that is judged
NAME = r"[a-z][a-z0-9_]*"

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
    """One trading idea with its parameters, for candles of one interval.

    `name` is a token of subjects and ids, `version` is told with every signal and must rise when the same candles
    would give another opinion. `intervals` are those it is meant for, the usual one first. It is asked about no candle
    before the `candles_needed`th, and `View.window` holds `window_length` candles where there are as many.
    """

    INTERFACE_VERSION: ClassVar[int]
    name: ClassVar[str]
    version: ClassVar[str]
    intervals: ClassVar[tuple[Interval, ...]]
    candles_needed: ClassVar[int]
    window_length: ClassVar[int] = 1
    parameters_type: ClassVar[type]

    def __init__(self, parameters: Parameters, interval: Interval | None = None) -> None:
        """Hold the parameters and the interval (None: the usual one); a strategy has no other state."""
        self.parameters = parameters
        self.interval: Interval = interval or self.intervals[0]

    @property
    def label(self) -> str:
        """Name and interval, as settings and command lines write them: `ema_cross:M5`."""
        return f"{self.name}:{self.interval}"

    def indicators(self) -> Mapping[str, Indicator[Candle, Any]]:
        """Return new indicators by name; each is fed every closed candle once, and shown as `View.now.<name>`."""
        return {}

    @abstractmethod
    def evaluate(self, view: View) -> Signal | NoSignal | Evaluation:
        """Return what it says about the candle that has just closed.

        Pure: equal views give equal answers. A whole Evaluation is for those who answer `/signal` otherwise than they
        raise signals, or who tell scores; a verdict alone holds for both.
        """

    def levels(self, side: Side, view: View, strength: float) -> Levels | None:
        """Return stop and target of a trade at the close of `view.candle`, or None where it is not worth its risk."""
        raise NotImplementedError(f"{self.name}.levels is not written, and {self.name}.trade needs it")

    def protections(self) -> Sequence[Protection]:
        """Return the rules that may silence it; they are asked in this order."""
        return ()

    def sides(self, columns: Columns, values: Arrays) -> NDArray[np.int8] | None:
        """Return +1 where it would buy, −1 where it would sell, 0 elsewhere, for whole columns at once.

        `values` are the indicators by name, each an array with what `View.now` shows at every candle, NaN where it is
        undefined (a record of arrays where an indicator gives a record).

        Not necessary: None says that only `evaluate` can tell. It serves a search, which asks `evaluate` about the
        candles that are not 0; a signal on any other would be missed, and tests and `sinyal lookahead` hold it to that.
        """
        del columns, values
        return None

    def trade(self, side: Side, view: View, *, reasons: tuple[str, ...], strength: float = 0.5) -> Signal | NoSignal:
        """Return the signal at the close of `view.candle` with this strategy's levels, or that its stop is too far."""
        entry = view.candle.close
        levels = self.levels(side, view, strength)
        if levels is None:
            return NoSignal(("why.stop_too_far",))
        return Signal(
            side=side,
            entry=entry,
            stop=levels.stop,
            target=levels.target,
            rr=levels.rr,
            strength=strength,
            reasons=reasons,
        )


def check_strategy(strategy_type: type[Strategy[Any]]) -> None:
    """Raise StrategyError naming the first thing in which the class does not keep the contract."""
    who = strategy_type.__name__
    written_for = getattr(strategy_type, "INTERFACE_VERSION", None)
    if written_for != CURRENT_INTERFACE:
        raise StrategyError(f"{who}: INTERFACE_VERSION is {written_for}, this program speaks {CURRENT_INTERFACE}")
    for attribute in ("name", "version", "intervals", "candles_needed", "parameters_type"):
        if not hasattr(strategy_type, attribute):
            raise StrategyError(f"{who}: {attribute} is missing")
    if not re.fullmatch(NAME, strategy_type.name):
        raise StrategyError(f"{who}: name {strategy_type.name!r} must be lower-case letters, digits and underscores")
    if not strategy_type.intervals or not set(strategy_type.intervals) <= set(Interval):
        raise StrategyError(f"{who}: intervals {strategy_type.intervals!r} must be some of {', '.join(Interval)}")
    for attribute in ("candles_needed", "window_length"):
        if not 1 <= getattr(strategy_type, attribute) <= LONGEST_WINDOW:
            raise StrategyError(f"{who}: {attribute} must lie between 1 and {LONGEST_WINDOW}")
    if not dataclasses.is_dataclass(strategy_type.parameters_type):
        raise StrategyError(f"{who}: parameters_type must be a dataclass")


def build_strategy(
    strategy_type: type[Strategy[Parameters]], overrides: Mapping[str, Any], interval: Interval | None = None
) -> Strategy[Parameters]:
    """Return the checked strategy with its default parameters, changed by `overrides` (name → number).

    Raises StrategyError for a class that breaks the contract, an unknown name, a value of the wrong kind or out of its
    range, and an interval that the strategy is not meant for.
    """
    check_strategy(strategy_type)
    if interval is not None and interval not in strategy_type.intervals:
        meant = ", ".join(strategy_type.intervals)
        raise StrategyError(f"{strategy_type.name}: interval {interval} is not one of {meant}")
    fields = {field.name: field for field in dataclasses.fields(strategy_type.parameters_type)}
    for name, value in overrides.items():
        if name not in fields:
            raise StrategyError(f"{strategy_type.name}: no parameter {name!r}{instead(name, fields)}")
        _check_number(f"{strategy_type.name}.{name}", value, whole=isinstance(fields[name].default, int))
        _check_range(f"{strategy_type.name}.{name}", value, fields[name].metadata.get("search"))
    try:
        parameters = strategy_type.parameters_type(**overrides)
    except ValueError as e:
        raise StrategyError(f"{strategy_type.name}: {e}") from e
    return strategy_type(parameters, interval)


def instead(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that says what could have been meant by `name`, and what there is."""
    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(sorted(known))
    return f"; did you mean {near[0]!r}? There are {listed}" if near else f"; there are {listed}"


def _check_number(what: str, value: Any, *, whole: bool) -> None:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise StrategyError(f"{what} must be a {'whole' if whole else 'finite'} number, not {value!r}")


def _check_range(what: str, value: float, allowed: SearchRange | None) -> None:
    if allowed is not None and not allowed.low <= value <= allowed.high:
        raise StrategyError(f"{what} must lie between {allowed.low:g} and {allowed.high:g}, not {value:g}")
