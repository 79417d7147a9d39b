"""What a strategy says about one closed candle: a signal, or none with the reasons why not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.messages import Mode, Side

DEFAULT_LOTS = 0.01  # product specification, section 4: the fixed size when no risk percent is set


@dataclass(
    slots=True, kw_only=True, unsafe_hash=True
)  # Final fields: as safe as frozen to mypy, made in a third of the time
class Signal:
    """An opinion to trade: prices unrounded in the quote currency, strength and its parts as told by the strategy.

    `reasons` are message keys of the conditions that held, most important first. `lots` is a proposal; a subscriber's
    own settings may size it otherwise. Raises ValueError when a level is not finite or lies on the wrong side of entry.
    """

    side: Final[Side]
    entry: Final[float]
    stop: Final[float]
    target: Final[float]
    rr: Final[float]
    strength: Final[float]
    reasons: Final[tuple[str, ...]]
    lots: Final[float] = DEFAULT_LOTS

    def __post_init__(self) -> None:
        """Refuse levels that no trade could have."""
        entry, sign = self.entry, self.side.sign
        # A sum is finite where all its parts are; prices are far from where it could overflow.
        if not math.isfinite(entry + self.stop + self.target + self.rr + self.strength):
            raise ValueError(f"a level is not a finite number: {self}")
        if not (self.target - entry) * sign > 0 > (self.stop - entry) * sign:
            raise ValueError(f"target and stop must lie beyond and behind the entry of a {self.side.value}: {self}")
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError(f"strength must lie between 0 and 1: {self.strength}")

    @property
    def stop_distance(self) -> float:
        """Return the distance from entry to stop, one R, in the quote currency."""
        return abs(self.entry - self.stop)


@dataclass(frozen=True, slots=True)
class NoSignal:
    """No opinion; `why` are message keys of what was missing, most important first, never empty."""

    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that one strategy says about the last candle of a window.

    `indicators` by name, None where undefined; `scores` per side in the strategy's own points, none where it does not
    count; one verdict for every mode, because the reading behind them is the same and is taken once.
    """

    indicators: Mapping[str, float | None]
    scores: Mapping[Side, int]
    verdicts: Mapping[Mode, Signal | NoSignal] = field(default_factory=dict)

    def verdict(self, mode: Mode) -> Signal | NoSignal:
        """Return what the strategy says in `mode`; a mode it does not speak is no signal."""
        return self.verdicts.get(mode, NoSignal(("why.mode_unsupported",)))
