"""Where strategies come from: the built-in ones, a folder of files, and classes that settings name."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis.errors import StartError
from contracts.messages import Interval
from services.signals.adapters.strategy_folder import BrokenFile, StrategyType, read_folder
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.strategy import Strategy, StrategyError, build_strategy, instead

ALL_FOUND = "*"
"""In a list of strategies: every one of the folder that has not been named before."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The strategies there are, by name, and the files that hold none that can run."""

    types: Mapping[str, StrategyType]
    from_folder: Sequence[str] = ()
    broken: Sequence[BrokenFile] = field(default=())

    def find(self, name: str) -> StrategyType:
        """Return the class called `name`; a dotted one is imported (`package.module.Class`).

        Raises StrategyError that says what there is, and which file is broken where that may be why.
        """
        if "." in name:
            return _imported(name)
        if name in self.types:
            return self.types[name]
        for one in self.broken:
            if one.path.stem == name:
                raise StrategyError(f"strategy {name!r} cannot be read: {one}")
        raise StrategyError(f"no strategy {name!r}{instead(name, self.types)}")

    def build(self, label: str, parameters: Mapping[str, Any]) -> Strategy[Any]:
        """Return the strategy that `label` names (`ema_cross`, `ema_cross:M5`) with these parameters.

        Raises StrategyError.
        """
        name, interval = read_label(label)
        return build_strategy(self.find(name), parameters, interval)


def open_shelf(folder: Path) -> Shelf:
    """Read what there is: the built-in strategies and those of `folder`."""
    found, broken = read_folder(folder, taken=BUILT_IN)
    return Shelf({**BUILT_IN, **found}, tuple(found), tuple(broken))


def read_label(label: str) -> tuple[str, Interval | None]:
    """Part `name` or `name:INTERVAL`. Raises StrategyError for an interval that there is not."""
    name, colon, interval = label.partition(":")
    if not colon:
        return name, None
    if interval not in tuple(Interval):
        raise StrategyError(f"{label!r}: the interval must be one of {', '.join(Interval)}")
    return name, Interval(interval)


def load_strategies(
    labels: Sequence[str], parameters: Mapping[str, Mapping[str, Any]], shelf: Shelf
) -> tuple[Strategy[Any], ...]:
    """Return the strategies that settings list, in that order, with `parameters` by label or by name.

    A listed strategy whose own file is broken is left out, for it must not stop the others: the shelf tells it.
    Raises StartError naming the setting and what would be right.
    """
    chosen = [label for label in _spelt_out(labels, shelf) if not _is_broken(label, shelf)]
    plain = _built("SINYAL_SIGNALS_STRATEGIES", chosen, {}, shelf)
    if not plain:
        broken = "; ".join(map(str, shelf.broken))
        raise StartError(f"SINYAL_SIGNALS_STRATEGIES: none is left to run{f' ({broken})' if broken else ''}")
    _refuse_doubles(plain)
    _refuse_unused(parameters, plain, shelf)
    return _built("SINYAL_SIGNALS_PARAMETERS", chosen, parameters, shelf)


def _built(
    setting: str, labels: Sequence[str], parameters: Mapping[str, Mapping[str, Any]], shelf: Shelf
) -> tuple[Strategy[Any], ...]:
    try:
        return tuple(shelf.build(label, _parameters_of(label, parameters)) for label in labels)
    except StrategyError as e:
        raise StartError(f"{setting}: {e}") from e


def _spelt_out(labels: Iterable[str], shelf: Shelf) -> Iterable[str]:
    listed = list(labels)
    for label in listed:
        if label == ALL_FOUND:
            named = {one.partition(":")[0] for one in listed}
            yield from (name for name in shelf.from_folder if name not in named)
        else:
            yield label


def _is_broken(label: str, shelf: Shelf) -> bool:
    name = label.partition(":")[0]
    return name not in shelf.types and any(one.path.stem == name for one in shelf.broken)


def _parameters_of(label: str, parameters: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    name = label.partition(":")[0]
    return {**parameters.get(name, {}), **(parameters.get(label, {}) if label != name else {})}


def _refuse_unused(
    parameters: Mapping[str, Mapping[str, Any]], strategies: Sequence[Strategy[Any]], shelf: Shelf
) -> None:
    running = {name for one in strategies for name in (one.name, one.label, _dotted(one))}
    for name in parameters:
        if name not in running and not _is_broken(name, shelf):
            listed = ", ".join(one.label for one in strategies)
            raise StartError(f"SINYAL_SIGNALS_PARAMETERS: {name!r} is not among the strategies {listed}")


def _refuse_doubles(strategies: Sequence[Strategy[Any]]) -> None:
    labels = [one.label for one in strategies]
    for label in labels:
        if labels.count(label) > 1:
            raise StartError(f"SINYAL_SIGNALS_STRATEGIES: {label} is listed twice")


def _dotted(strategy: Strategy[Any]) -> str:
    return f"{type(strategy).__module__}.{type(strategy).__qualname__}"


def _imported(path: str) -> StrategyType:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as e:
        raise StrategyError(f"{path!r} cannot be imported: {e}") from e
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise StrategyError(f"{path!r} is not a strategy class")
    return found
