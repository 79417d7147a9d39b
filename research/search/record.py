"""The record of a search on disk: an optuna study in a journal file, one line per finished trial.

Whatever moment the search is killed at, the record holds every trial that it had told as finished: a torn last line is
cut off by whoever opens it next. One search writes to it at a time. Any of optuna's own tools can read it.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from research.search import interrupts
from research.search.trials import Ending, Outcome

STUDY = "sinyal"

optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of every trial; the progress bar does that

# A trial without a value counts as worse than all that have one, so that the estimator keeps away from its like.
STATES = {
    Ending.COMPLETE: TrialState.COMPLETE,
    Ending.PRUNED: TrialState.PRUNED,
    Ending.TOO_FEW: TrialState.PRUNED,
    Ending.REFUSED: TrialState.PRUNED,
}


class RecordError(ValueError):
    """The record cannot be gone on with; the message is one line that says why and what to do."""


class Record:
    """Finished trials by their index."""

    def __init__(self, study: optuna.Study, distributions: Mapping[str, BaseDistribution]) -> None:
        self.study = study
        self._distributions = dict(distributions)
        told = (outcome_of(trial) for trial in study.get_trials(deepcopy=False))
        self.outcomes = {outcome.index: outcome for outcome in told}

    def add(self, outcome: Outcome) -> None:
        """Store a finished trial, once."""
        if outcome.index in self.outcomes:
            return
        with interrupts.held():  # the journal's lock, interrupted while it is given back, takes itself for stolen
            self.study.add_trial(trial_of(outcome, self._distributions))
            self.outcomes[outcome.index] = outcome


@contextlib.contextmanager
def opened(
    path: Path | None, terms: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]
) -> Iterator[Record]:
    """Open the record of a search with these terms, or begin one; None keeps it in memory.

    Raises:
        RecordError: the file is no record, belongs to a search with other terms, or is being written.
    """
    if path is None:
        yield Record(optuna.create_study(study_name=STUDY, direction="maximize"), distributions)
        return
    with _alone(path):
        _mend(path)
        with interrupts.held():
            study = _study(path)
            _agree(study, path, terms)
        yield Record(study, distributions)


def trial_of(outcome: Outcome, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """Write an outcome as the optimiser knows it. A held parameter is no part of it."""
    return create_trial(
        state=STATES[outcome.ending],
        value=outcome.value,
        params={name: outcome.parameters[name] for name in distributions},
        distributions=dict(distributions),
        intermediate_values={step: value for step, value in enumerate(outcome.steps) if value is not None},
        user_attrs={
            "index": outcome.index,
            "ending": outcome.ending.value,
            "parameters": dict(outcome.parameters),
            "steps": list(outcome.steps),
            "trades": outcome.trades,
            "pnl": outcome.pnl,
        },
    )


def outcome_of(trial: FrozenTrial) -> Outcome:
    """Read an outcome back."""
    told = trial.user_attrs
    return Outcome(
        index=told["index"],
        parameters=told["parameters"],
        ending=Ending(told["ending"]),
        value=trial.value if trial.state is TrialState.COMPLETE else None,
        steps=tuple(told["steps"]),
        trades=told["trades"],
        pnl=told["pnl"],
    )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep others from the record. The mark is the kernel's, so it goes with the process, however that ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as e:
        raise RecordError(f"--study {path}: cannot be written ({e.strerror})") from e
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise RecordError(f"--study {path}: another search is writing it") from e
        # A killed search may have left the mark of the journal's own writer; nobody else can hold it now.
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
        yield


def _mend(path: Path) -> None:
    """Cut off a torn last line."""
    body = path.read_bytes()
    os.truncate(path, body.rfind(b"\n") + 1)


def _study(path: Path) -> optuna.Study:
    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        return optuna.create_study(study_name=STUDY, storage=storage, direction="maximize", load_if_exists=True)
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise RecordError(f"--study {path}: is no record of a search; give another name") from e


def _agree(study: optuna.Study, path: Path, terms: Mapping[str, Any]) -> None:
    """Refuse to go on with a search that asked something else: its trials would not be comparable."""
    asked = json.loads(json.dumps(terms))
    had = study.user_attrs.get("terms")
    if had is None:
        study.set_user_attr("terms", asked)
        return
    differing = sorted(name for name in asked.keys() | had.keys() if asked.get(name) != had.get(name))
    if differing:
        name = differing[0]
        raise RecordError(
            f"--study {path}: was begun with {name} {had.get(name)!r}, now it is {asked.get(name)!r};"
            " ask the same or give another name"
        )
