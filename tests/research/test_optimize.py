"""The search: what is tried hangs on the question alone, and no kill loses a finished trial."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from research.search.asking import Answer, answer
from research.search.importance import importances
from research.search.objectives import HIGHEST_FACTOR, Objective
from research.search.page import page
from research.search.record import RecordError, opened
from research.search.rounds import RANDOM_TRIALS, ROUND, Rounds
from research.search.search import Found
from research.search.spaces import space_of
from research.search.trials import Ending, Job, Outcome, Task, run_trial
from services.signals.domain.strategy import SearchRange
from tests.research.builders import rules
from tests.research.crossing import Crossing
from tests.research.questions import MARKET, SPACE, a_question
from tests.research.walks import a_crossing, a_market


@pytest.fixture(scope="module")
def whole() -> Answer:
    return answer(a_question())


def an_outcome(index: int, value: float | None, *, steps: tuple[float | None, ...] = ()) -> Outcome:
    ending = Ending.COMPLETE if value is not None else Ending.PRUNED
    parameters = {"fast": 5 + index % 30, "slow": 60, "stop_percent": 0.2, "target_percent": 0.4}
    return Outcome(index=index, parameters=parameters, ending=ending, value=value, steps=steps)


def test_the_same_question_has_the_same_answer(whole: Answer) -> None:
    assert answer(a_question()) == whole


def test_two_workers_find_what_one_finds(whole: Answer) -> None:
    assert answer(a_question(workers=2)) == whole


def test_another_seed_tries_other_parameters(whole: Answer) -> None:
    other = answer(a_question(seed=2))

    assert [one.parameters for one in other.found.outcomes] != [one.parameters for one in whole.found.outcomes]


@pytest.mark.parametrize("finished", [0, 1, 7, 8, 13, 25])
def test_an_interrupted_search_goes_on_to_the_same_end(whole: Answer, tmp_path: Path, finished: int) -> None:
    """Ctrl-C comes while the next trial runs: what is told is kept, what runs is lost."""
    study, told = tmp_path / "study.journal", []

    def hear(done: int, _best: Outcome | None) -> None:
        told.append(done)
        if done == finished:
            raise KeyboardInterrupt

    if finished:
        with pytest.raises(KeyboardInterrupt):
            answer(a_question(), study, hear)
    resumed = answer(a_question(), study)

    assert resumed.found.outcomes == whole.found.outcomes
    assert resumed.found.best == whole.found.best
    assert resumed.found.resumed == finished


def test_a_killed_search_leaves_a_record_that_is_gone_on_with(whole: Answer, tmp_path: Path) -> None:
    """However little of the last line reached the disk."""
    study = tmp_path / "study.journal"
    answer(a_question(), study)
    body = study.read_bytes()

    for kept in range(len(body) - 900, len(body), 97):
        study.write_bytes(body[:kept])
        assert answer(a_question(), study).found.outcomes == whole.found.outcomes


def test_more_trials_may_be_asked_for_later(tmp_path: Path) -> None:
    study = tmp_path / "study.journal"
    answer(a_question(trials=11), study)

    longer = answer(a_question(trials=30), study)

    assert longer.found.resumed == 11
    assert longer.found.outcomes == answer(a_question(trials=30)).found.outcomes


def test_fewer_trials_than_are_on_record_are_the_first_of_them(tmp_path: Path, whole: Answer) -> None:
    study = tmp_path / "study.journal"
    answer(a_question(), study)

    assert answer(a_question(trials=10), study).found.outcomes == whole.found.outcomes[:10]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"seed": 5}, "seed"),
        ({"fewest": 6}, "fewest trades"),
        ({"objective": Objective.SHARPE}, "objective"),
        ({"market": a_market(4_000, seed=8)}, "market"),
        ({"rules": rules(spread=0.5)}, "spread"),
        ({"prune": False}, "prune"),
    ],
)
def test_a_record_of_another_search_is_refused(tmp_path: Path, change: dict[str, Any], name: str) -> None:
    study = tmp_path / "study.journal"
    answer(a_question(trials=2), study)

    with pytest.raises(RecordError, match=f"was begun with {name}"):
        answer(a_question(trials=2, **change), study)


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    study = tmp_path / "notes.txt"
    study.write_text("dear diary,\n")

    with pytest.raises(RecordError, match="is no record of a search"):
        answer(a_question(trials=2), study)


def test_a_record_that_is_being_written_is_refused(tmp_path: Path) -> None:
    study = tmp_path / "study.journal"

    with opened(study, {}, SPACE.distributions), pytest.raises(RecordError, match="another search is writing it"):
        answer(a_question(trials=2), study)


def test_the_defaults_are_tried_first() -> None:
    space = space_of(Crossing, held={}, only={})

    first = Rounds(space, seed=1, prune=True).draw(0)[0]

    assert first.parameters == {
        "fast": 20,
        "slow": 50,
        "strength": 14,
        "middle": 50.0,
        "stop_percent": 1.0,
        "target_percent": 2.0,
    }


def test_defaults_off_the_grid_are_not_tried() -> None:
    space = space_of(Crossing, held={}, only={"fast": SearchRange(5, 11, 3)})

    tried = {task.parameters["fast"] for task in Rounds(space, seed=1, prune=True).draw(0)}

    assert tried <= {5, 8, 11}


def test_held_parameters_stay() -> None:
    space = space_of(Crossing, held={"slow": 80}, only={"fast": None})

    tasks = Rounds(space, seed=1, prune=True).draw(0)

    assert {task.parameters["slow"] for task in tasks} == {80}
    assert len({task.parameters["fast"] for task in tasks}) > 1


def test_suggestions_are_free_of_binary_noise() -> None:
    tasks = Rounds(SPACE, seed=1, prune=True).draw(0)

    assert all(task.parameters["stop_percent"] == round(task.parameters["stop_percent"], 2) for task in tasks)


def test_a_poor_trial_is_given_up_after_its_first_part() -> None:
    task = Task(0, {"fast": 5, "slow": 20, "stop_percent": 0.1, "target_percent": 0.1}, hurdles=(HIGHEST_FACTOR,) * 4)

    pruned = run_trial(a_job(), task)
    let_go = run_trial(a_job(), replace(task, hurdles=(0.0,) * 4))

    assert pruned.ending is Ending.PRUNED
    assert len(pruned.steps) == next(at for at, step in enumerate(let_go.steps, 1) if step is not None)
    assert let_go.ending is Ending.COMPLETE
    assert let_go.trades > pruned.trades


def a_job(**changes: Any) -> Job:
    first_ms, end_ms = int(MARKET.candles.open_time_s[0]) * 1000, int(MARKET.candles.end_ms[-1])
    bounds_ms = tuple(first_ms + (end_ms - first_ms) * part // 5 for part in range(1, 6))
    return replace(Job(a_crossing, MARKET, rules(), bounds_ms, Objective.PROFIT_FACTOR, 5), **changes)


def test_hurdles_are_the_medians_of_what_ran_to_the_end() -> None:
    rounds = Rounds(SPACE, seed=1, prune=True)
    assert rounds.draw(0)[0].hurdles == ()

    rounds.learn([an_outcome(index, float(index), steps=(None, float(index), 9.0)) for index in range(RANDOM_TRIALS)])

    assert rounds.draw(2)[0].hurdles == (None, (RANDOM_TRIALS - 1) / 2)


def test_without_pruning_there_is_no_hurdle() -> None:
    rounds = Rounds(SPACE, seed=1, prune=False)
    rounds.learn([an_outcome(index, 1.0, steps=(1.0, 1.0)) for index in range(RANDOM_TRIALS)])

    assert rounds.draw(2)[0].hurdles == ()


def test_a_trial_with_too_few_trades_counts_nothing() -> None:
    outcome = run_trial(a_job(fewest=10_000), Task(0, {"fast": 5, "slow": 20}, ()))

    assert outcome.ending is Ending.TOO_FEW
    assert outcome.value is None


def test_parameters_that_the_strategy_refuses_are_told_and_passed_over() -> None:
    outcome = run_trial(a_job(), Task(0, {"fast": 40, "slow": 30}, ()))

    assert outcome.ending is Ending.REFUSED


def test_the_search_learns() -> None:
    """On a plain hill the estimator's rounds lie nearer to its top than the random ones."""
    rounds = Rounds(space_of(Crossing, held={}, only={"fast": None, "slow": None}), seed=3, prune=False)
    misses: list[float] = []
    for number in range(12):
        tasks = rounds.draw(number)
        told = [abs(task.parameters["fast"] - 33) + abs(task.parameters["slow"] - 100) / 5 for task in tasks]
        misses += told
        rounds.learn(
            [
                replace(an_outcome(task.index, -miss), parameters=task.parameters)
                for task, miss in zip(tasks, told, strict=True)
            ]
        )

    assert sum(misses[-3 * ROUND :]) < 0.6 * sum(misses[: 2 * ROUND]) / 2 * 3


def test_the_parameter_that_matters_is_told_as_the_important_one() -> None:
    rounds = Rounds(SPACE, seed=1, prune=False)
    tasks = [task for number in range(5) for task in rounds.draw(number)]
    outcomes = [
        replace(an_outcome(task.index, -abs(task.parameters["slow"] - 60.0)), parameters=task.parameters)
        for task in tasks
    ]

    shares = importances(SPACE, Found(tuple(outcomes), 0))

    assert next(iter(shares)) == "slow"
    assert sum(shares.values()) == pytest.approx(1)


def test_the_page_is_one_file_that_loads_nothing(whole: Answer) -> None:
    html = page(a_question(), whole, "walk.csv")

    assert "crossing" in html
    assert "default-src 'none'" in html
    assert "<script src" not in html
