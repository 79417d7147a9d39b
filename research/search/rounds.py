"""What is tried next. Trials come in rounds: a round is drawn from the outcomes of all rounds before it, whole.

So what is tried depends on the seed and on nothing else: not on how many workers there are, not on which of them is
the first to finish, not on an interruption. The first rounds are drawn at random, the later ones by the
tree-structured Parzen estimator. A trial is given up after a part of its span if it stands below the median that the
trials of earlier rounds had there.

Source: Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011; the median stopping rule is that
of Golovin et al., "Google Vizier", KDD 2017.
"""

import hashlib
from collections.abc import Mapping, Sequence
from statistics import median

import optuna
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from research.search.record import trial_of
from research.search.spaces import Number, Space
from research.search.trials import Ending, Outcome, Task

ROUND = 8
"""Trials of a round."""
RANDOM_TRIALS = 16
"""So many are drawn at random before the estimator is asked, and before anything is given up early."""


class Rounds:
    """Draws rounds, in order, each after the outcomes of the one before it are known."""

    def __init__(self, space: Space, *, seed: int, prune: bool) -> None:
        self._space = space
        self._seed = seed
        self._prune = prune
        self._known = optuna.create_study(direction="maximize")
        self._outcomes: list[Outcome] = []

    def draw(self, number: int) -> list[Task]:
        """Draw round `number`, counted from zero."""
        hurdles = self._hurdles()
        start = self._space.start() if number == 0 else None
        first = number * ROUND
        drawn = [self._suggest(index) for index in range(first, first + ROUND)]
        suggestions = [start, *drawn[1:]] if start is not None else drawn
        return [
            Task(index, self._space.whole(suggestion), hurdles) for index, suggestion in enumerate(suggestions, first)
        ]

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in the outcomes of the round drawn last."""
        ordered = sorted(outcomes, key=lambda outcome: outcome.index)
        self._known.add_trials([trial_of(outcome, self._space.distributions) for outcome in ordered])
        self._outcomes += ordered

    def _suggest(self, index: int) -> Mapping[str, Number]:
        """Draw one trial, from randomness of its own."""
        self._known.sampler = TPESampler(seed=_mixed(self._seed, index), n_startup_trials=RANDOM_TRIALS)
        trial = self._known.ask(dict(self._space.distributions))
        suggested = trial.params
        self._known.tell(trial, state=TrialState.FAIL)  # its outcome is told under a trial of its own
        return suggested

    def _hurdles(self) -> tuple[float | None, ...]:
        finished = [one.steps for one in self._outcomes if one.ending is Ending.COMPLETE]
        if not self._prune or len(self._outcomes) < RANDOM_TRIALS or not finished:
            return ()
        columns = ([value for value in column if value is not None] for column in zip(*finished, strict=True))
        return tuple(median(column) if column else None for column in columns)[:-1]


def _mixed(seed: int, index: int) -> int:
    """Make the seed of one draw."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{index}".encode()).digest()[:4], "big")
