"""Where a search may look: the tunable parameters of a strategy as the optimiser's distributions."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from services.signals.domain.strategy import SearchRange, Strategy, search_space

Number = int | float
DECIMALS = 10
"""What is kept of low + k · step: drops binary noise, so that 0.30000000000000004 is tried as 0.3."""


class SpaceError(ValueError):
    """There is nothing to search, or not there; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Space:
    """The parameters that are searched, by name, and those that are held."""

    distributions: Mapping[str, BaseDistribution]
    held: Mapping[str, Number]
    defaults: Mapping[str, Number]

    def whole(self, suggested: Mapping[str, Any]) -> dict[str, Number]:
        """Complete a suggestion with what is held, free of binary noise."""
        clean = {name: value if isinstance(value, int) else round(value, DECIMALS) for name, value in suggested.items()}
        return clean | dict(self.held)

    def start(self) -> dict[str, Number] | None:
        """Tell the defaults of what is searched, the first to be tried; None where one lies off the grid."""
        on_grid = all(self.distributions[name]._contains(value) for name, value in self.defaults.items())  # noqa: SLF001  # optuna offers no public word for it
        return dict(self.defaults) if on_grid and self.defaults else None


def space_of(
    strategy_type: type[Strategy[Any]], *, held: Mapping[str, Number], only: Mapping[str, SearchRange | None]
) -> Space:
    """Work out what is searched: every tunable parameter, or those in `only`, whose ranges replace the declared ones.

    Raises:
        SpaceError: a name is unknown or given twice, or nothing is left to search.
    """
    declared = search_space(strategy_type.parameters_type)
    fields = {field.name: field for field in dataclasses.fields(strategy_type.parameters_type)}
    for name in only:
        if name not in fields:
            raise SpaceError(f"{strategy_type.name} has no parameter {name!r}; there are {', '.join(sorted(fields))}")
        if name in held:
            raise SpaceError(f"parameter {name!r} cannot be held and searched at once")
        if only[name] is None and name not in declared:
            raise SpaceError(f"parameter {name!r} declares no range; give one, as in {name}=LOW:HIGH:STEP")
        _keep_inside(name, only[name], declared.get(name))
    chosen = {name: given or declared[name] for name, given in only.items()} if only else declared
    ranges = {name: chosen[name] for name in fields if name in chosen and name not in held}
    if not ranges:
        raise SpaceError(f"{strategy_type.name} has no parameter left to search; it declares {sorted(declared)}")
    kinds = {name: isinstance(fields[name].default, int) for name in ranges}
    distributions = {name: _distribution(name, one, whole=kinds[name]) for name, one in ranges.items()}
    defaults: dict[str, Number] = {name: getattr(strategy_type.parameters_type(), name) for name in ranges}
    return Space(distributions, dict(held), defaults)


def _keep_inside(name: str, given: SearchRange | None, declared: SearchRange | None) -> None:
    """Refuse a range that the strategy would refuse value by value."""
    if given is not None and declared is not None and not declared.low <= given.low <= given.high <= declared.high:
        raise SpaceError(f"{name}: a range must rise and lie between {declared.low:g} and {declared.high:g}")


def _distribution(name: str, one: SearchRange, *, whole: bool) -> BaseDistribution:
    """Make a grid that ends on a step, as the optimiser wants it."""
    if not (one.step > 0 and one.high >= one.low):
        raise SpaceError(f"{name}: the range {one.low}:{one.high}:{one.step} must rise in steps above zero")
    if whole and any(part != int(part) for part in (one.low, one.high, one.step)):
        raise SpaceError(f"{name} is a whole number; so must its range {one.low}:{one.high}:{one.step} be")
    steps = floor((one.high - one.low) / one.step + 1e-9)
    high = round(one.low + steps * one.step, DECIMALS)
    if whole:
        return IntDistribution(int(one.low), int(high), step=int(one.step))
    return FloatDistribution(float(one.low), high, step=float(one.step))


def size_of(space: Space) -> int:
    """Count the points of the grid."""
    count = 1
    for one in space.distributions.values():
        assert isinstance(one, IntDistribution | FloatDistribution)
        assert one.step is not None
        count *= floor((one.high - one.low) / one.step + 1e-9) + 1
    return count
