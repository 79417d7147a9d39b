"""The search itself: rounds of trials until there are as many as asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from research.search.record import Record
from research.search.rounds import ROUND, Rounds
from research.search.spaces import Number
from research.search.trials import Ending, Outcome, Task
from research.search.workers import Crew

Told = Callable[[int, Outcome | None], None]
"""Hears how many trials are finished, and the best so far."""


@dataclass(frozen=True, slots=True)
class Found:
    """All outcomes, by index, and how many of them had been there before."""

    outcomes: tuple[Outcome, ...]
    resumed: int

    @property
    def ranking(self) -> list[Outcome]:
        """The complete trials, best first; the earlier one first where two are equal, each set of parameters once."""
        complete = [one for one in self.outcomes if one.ending is Ending.COMPLETE and one.value is not None]
        ordered = sorted(complete, key=lambda one: (-(one.value or 0.0), one.index))
        firsts: dict[tuple[tuple[str, Number], ...], Outcome] = {}
        for one in ordered:
            firsts.setdefault(tuple(sorted(one.parameters.items())), one)
        return list(firsts.values())

    @property
    def best(self) -> Outcome | None:
        """The best complete trial, if there is any."""
        return next(iter(self.ranking), None)


def search(
    rounds: Rounds, record: Record, crew: Crew[Task, Outcome], *, trials: int, told: Told | None = None
) -> Found:
    """Run trials until `trials` are on record. The outcomes of a cut-off search are exactly the first of a whole one.

    Every outcome is stored before it is told. An interruption (KeyboardInterrupt passes through) loses what is running.
    """
    resumed = sum(index < trials for index in record.outcomes)
    for number in range(-(-trials // ROUND)):
        tasks = [task for task in rounds.draw(number) if task.index < trials]
        left = [task for task in tasks if task.index not in record.outcomes]
        for outcome in crew.run(left):
            record.add(outcome)
            if told is not None:
                told(len(record.outcomes), _found(record.outcomes, trials, resumed).best)
        rounds.learn([record.outcomes[task.index] for task in tasks])
    return _found(record.outcomes, trials, resumed)


def _found(outcomes: Mapping[int, Outcome], trials: int, resumed: int) -> Found:
    return Found(tuple(outcomes[index] for index in sorted(outcomes) if index < trials), resumed)
