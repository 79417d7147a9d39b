"""Stop and target of a signal, from its strength and the market's range.

Source: product specification, section 3, "Levels".
"""

from dataclasses import dataclass
from typing import Final

from contracts.messages import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """How far away a stop stands, and how much further its target. Distances in the quote currency.

    Stop distance = max(`stop_ranges` · ATR, `stop_floor`), refused above `stop_limit`;
    R:R = `rr_base` + `rr_per_strength` · strength, held between `rr_base` and `rr_limit`.
    """

    stop_ranges: float
    stop_floor: float
    stop_limit: float
    rr_base: float
    rr_per_strength: float
    rr_limit: float


@dataclass(slots=True)  # its fields are Final: see Signal
class Levels:
    """The two prices of a trade and their ratio: target distance = stop distance × `rr`."""

    stop: Final[float]
    target: Final[float]
    rr: Final[float]


def place_levels(rule: LevelRule, *, side: Side, entry: float, atr: float, strength: float) -> Levels | None:
    """Return stop and target around `entry`, or None when the stop would stand further than the rule allows."""
    stop_distance = max(rule.stop_ranges * atr, rule.stop_floor)
    if stop_distance > rule.stop_limit:
        return None
    rr = min(max(rule.rr_base + rule.rr_per_strength * strength, rule.rr_base), rule.rr_limit)
    return levels_at(side, entry, stop_distance=stop_distance, rr=rr)


def levels_at(side: Side, entry: float, *, stop_distance: float, rr: float) -> Levels:
    """Return stop and target at plain distances from `entry`: `stop_distance` in price, the target `rr` times that."""
    signed = side.sign * stop_distance
    return Levels(entry - signed, entry + signed * rr, rr)
