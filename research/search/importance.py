"""Which parameters the result hung on."""

import warnings
from collections.abc import Sequence

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from research.search.record import trial_of
from research.search.search import Found
from research.search.spaces import Space
from research.search.trials import Ending, Outcome

FEWEST_TRIALS = 12
"""Below these the shares are noise."""


def importances(space: Space, found: Found) -> dict[str, float]:
    """Share out what parted good trials from the rest, most important first; empty where there is nothing to part.

    Source: Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces",
    IJCAI 2023.
    """
    complete = [one for one in found.outcomes if one.ending is Ending.COMPLETE]
    if len(complete) < FEWEST_TRIALS or len({one.value for one in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        shares = get_param_importances(_study(space, complete), evaluator=PedAnovaImportanceEvaluator())
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _study(space: Space, outcomes: Sequence[Outcome]) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    study.add_trials([trial_of(one, space.distributions) for one in outcomes])
    return study
