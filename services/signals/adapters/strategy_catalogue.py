"""Where strategies come from: the built-in ones, chosen and tuned by settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from chassis.errors import StartError
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.strategy import Strategy, StrategyError, build_strategy


def load_strategies(names: Sequence[str], parameters: Mapping[str, Mapping[str, Any]]) -> tuple[Strategy[Any], ...]:
    """Return the strategies called `names`, in that order, with `parameters` by strategy name.

    Raises StartError naming the setting and what would be right.
    """
    for name in names:
        if name not in BUILT_IN:
            raise StartError(f"SINYAL_SIGNALS_STRATEGIES: no strategy {name!r}; there are {', '.join(BUILT_IN)}")
    for name in parameters:
        if name not in names:
            raise StartError(f"SINYAL_SIGNALS_PARAMETERS: {name!r} is not among the strategies {', '.join(names)}")
    try:
        return tuple(build_strategy(BUILT_IN[name], parameters.get(name, {})) for name in names)
    except StrategyError as e:
        raise StartError(f"SINYAL_SIGNALS_PARAMETERS: {e}") from e
