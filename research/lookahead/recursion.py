"""How much history an indicator needs: the same candle judged on ever more of it, beside the longest there is.

An average remembers its first point. Where a strategy begins to speak before that is forgotten, it says other things
at the beginning of its data than later, and other things after a restart than without one.

Source of the idea: freqtrade, `recursive-analysis`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.messages import Mode
from research.lookahead.probes import Suspect
from research.lookahead.sayings import Said, as_said
from research.market import Candles
from services.signals.domain.anchors import HELD, WARM_UP
from services.signals.domain.opinion import Evaluation, Signal
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import Strategy

SAMPLES = 20
SETTLED = 1e-6
"""Relative difference below which an indicator has forgotten where it began."""


@dataclass(frozen=True, slots=True)
class Recursion:
    """How far off each indicator is with so much history, at worst; and how many of `samples` signals were other ones.

    `differences` are by indicator, one for each of `lengths` (candles of history), relative to the longest history;
    None where it was undefined.
    """

    lengths: tuple[int, ...]
    samples: int
    differences: Mapping[str, tuple[float | None, ...]]
    changed: tuple[int, ...]

    @property
    def is_settled(self) -> bool:
        """Whether the history that is always given, where there is as much, settles every indicator and signal."""
        last = (found[-1] for found in self.differences.values())
        return not self.changed[-1] and all(found is not None and found <= SETTLED for found in last)

    def needed(self, name: str) -> int | None:
        """Tell the least tried history with which an indicator is settled, and stays so; None: with none of them."""
        found: int | None = None
        for length, difference in zip(self.lengths, self.differences[name], strict=True):
            is_settled = difference is not None and difference <= SETTLED
            found = (found if found is not None else length) if is_settled else None
        return found


def recursion(suspect: Suspect) -> Recursion | None:
    """Judge some candles on ever more history; None where there are not candles enough to try."""
    strategy, candles = suspect.strategy(), suspect.candles
    lengths = _lengths(strategy, len(candles))
    if len(lengths) < 2:
        return None
    *tried, longest = lengths
    randomness = np.random.default_rng(suspect.seed)
    possible = np.arange(longest - 1, len(candles))
    places = sorted(randomness.choice(possible, min(SAMPLES, len(possible)), replace=False).tolist())
    rows = [[_judged(suspect.strategy(), candles, place, length) for length in lengths] for place in places]
    names = sorted({name for row in rows for name in row[-1].indicators})
    differences = {name: tuple(_worst(rows, at, name) for at in range(len(tried))) for name in names}
    changed = tuple(sum(_said(row[at]) != _said(row[-1]) for row in rows) for at in range(len(tried)))
    return Recursion(tuple(tried), len(places), differences, changed)


def _lengths(strategy: Strategy[Any], count: int) -> list[int]:
    """Choose histories to try, rising; the last one is what the others are held against."""
    needed = max(strategy.candles_needed, 2)
    wanted = sorted({needed, needed * 2, needed * 4, 500, 1_000, WARM_UP})
    most = min(count, HELD)
    return [*(length for length in wanted if needed <= length <= WARM_UP and length < most), most]


def _judged(strategy: Strategy[Any], candles: Candles, place: int, length: int) -> Evaluation:
    history = candles.slice(place + 1 - length, place + 1)
    ((_, evaluation),) = StrategyRun(strategy).evaluations(history, length - 1)
    return evaluation


def _worst(rows: Sequence[Sequence[Evaluation]], at: int, name: str) -> float | None:
    found = 0.0
    for row in rows:
        had, true = row[at].indicators.get(name), row[-1].indicators.get(name)
        if true is None:
            continue
        if had is None:
            return None
        found = max(found, abs(had - true) / max(abs(true), 1e-9))
    return found


def _said(evaluation: Evaluation) -> Said | None:
    verdict = evaluation.verdict(Mode.AUTO)
    return as_said(verdict) if isinstance(verdict, Signal) else None
