"""The search: what is tried hangs on the question alone, and no kill loses a finished trial."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from typer.testing import CliRunner, Result

from cli.__main__ import app
from contracts.messages import Side
from research.search.asking import Answer, Question, answer
from research.search.importance import importances
from research.search.objectives import HIGHEST_FACTOR, Objective, score
from research.search.page import page
from research.search.record import RecordError, opened
from research.search.rounds import RANDOM_TRIALS, ROUND, Rounds
from research.search.search import Found
from research.search.spaces import SpaceError, size_of, space_of
from research.search.splits import Unseen, overfit_warnings, split_of
from research.search.trials import Ending, Job, Outcome, Task, run_trial
from services.signals.domain.strategy import SearchRange
from tests.research.builders import rules
from tests.research.crossing import Crossing
from tests.research.walks import a_crossing, a_market, a_walk, write_candles


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """A closed trade, as far as an objective looks at it."""

    pnl: Decimal
    r: float
    closed_ms: int
    side: Side = Side.BUY
    opened_ms: int = 0


ROOT = Path(__file__).resolve().parent.parent.parent
SPACE = space_of(
    Crossing,
    held={},
    only={
        "fast": None,
        "slow": None,
        "stop_percent": SearchRange(0.1, 0.4, 0.05),
        "target_percent": SearchRange(0.1, 0.8, 0.1),
    },
)
MARKET = a_market(4_000)


def a_question(**changes: Any) -> Question:
    asked = {
        "named": {"strategy": "crossing", "version": "1.0.0", "interval": "M1"},
        "build": a_crossing,
        "space": SPACE,
        "market": MARKET,
        "rules": rules(),
        "fewest": 5,
        "trials": 26,
    }
    return Question(**asked | changes)


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


@pytest.mark.parametrize(
    ("objective", "pnls", "expected"),
    [
        (Objective.PROFIT_FACTOR, [3, -1, 1, -1], 2.0),
        (Objective.PROFIT_FACTOR, [3, 1], HIGHEST_FACTOR),
        (Objective.PROFIT_FACTOR, [0, 0], 0.0),
        (Objective.EXPECTANCY_R, [3, -1, 1, -1], 0.5),
        (Objective.CALMAR, [3, -2, -1, 4], 4 / 3),
        (Objective.CALMAR, [1, 1], HIGHEST_FACTOR),
        (Objective.CALMAR, [-1, -1], -1.0),
    ],
)
def test_objectives_are_what_they_say(objective: Objective, pnls: list[int], expected: float) -> None:
    trades = [Earned(pnl=Decimal(pnl), r=float(pnl), closed_ms=at) for at, pnl in enumerate(pnls)]

    assert score(objective, trades, candle_ends_ms=(), fewest=1) == pytest.approx(expected)
    assert score(objective, trades, candle_ends_ms=(), fewest=5) is None


def test_the_split_puts_the_last_candles_aside() -> None:
    split = split_of(MARKET, rules(), 0.25)

    candles = MARKET.candles
    assert split.at_ms == int(candles.open_time_s[3_000]) * 1000
    assert (split.from_ms, split.until_ms) == (int(candles.open_time_s[0]) * 1000, int(candles.end_ms[-1]))


def test_no_trial_sees_what_is_put_aside() -> None:
    """Other candles out of sample change nothing in sample."""
    bent = replace(MARKET, candles=replace(MARKET.candles, close=MARKET.candles.close.copy()))
    bent.candles.close[3_000:] = bent.candles.low[3_000:]

    usual, other = (answer(a_question(market=market, unseen_share=0.25, trials=10)) for market in (MARKET, bent))

    assert usual.found.outcomes == other.found.outcomes
    assert usual.unseen != other.unseen


@pytest.mark.parametrize(
    ("found", "unseen", "told"),
    [
        (1.8, Unseen(0.9, 40, -3.0), "1 is what luck gives"),
        (3.0, Unseen(1.5, 40, 9.0), "keeps 25%"),
        (2.0, Unseen(None, 1, 0.0), "too few"),
        (0.8, Unseen(0.7, 40, -9.0), "Nothing found"),
    ],
)
def test_a_result_that_does_not_last_is_warned_of(found: float, unseen: Unseen, told: str) -> None:
    (warning,) = overfit_warnings(Objective.PROFIT_FACTOR, found, unseen)

    assert told in warning


def test_a_result_that_lasts_is_not_warned_of() -> None:
    assert overfit_warnings(Objective.PROFIT_FACTOR, 1.6, Unseen(1.5, 60, 40.0)) == []


def test_spaces_are_grids_that_end_on_a_step() -> None:
    space = space_of(Crossing, held={}, only={"fast": SearchRange(5, 12, 3), "middle": SearchRange(40, 41.7, 0.5)})

    assert space.distributions == {
        "fast": IntDistribution(5, 11, step=3),
        "middle": FloatDistribution(40, 41.5, step=0.5),
    }
    assert size_of(space) == 3 * 4


@pytest.mark.parametrize(
    ("held", "only", "told"),
    [
        ({}, {"speed": None}, "no parameter 'speed'"),
        ({"fast": 9}, {"fast": None}, "held and searched at once"),
        ({}, {"fast": SearchRange(9, 5, 1)}, "a range must rise"),
        ({}, {"fast": SearchRange(1, 9, 1)}, "between 5 and 40"),
        ({}, {"fast": SearchRange(5, 9, 0.5)}, "whole number"),
        ({}, {"fast": SearchRange(5, 9, 0)}, "steps above zero"),
        (dict.fromkeys(SPACE.defaults, 1) | {"strength": 9, "middle": 50.0}, {}, "no parameter left"),
    ],
)
def test_a_wrong_space_is_refused(held: dict[str, Any], only: dict[str, Any], told: str) -> None:
    with pytest.raises(SpaceError, match=told):
        space_of(Crossing, held=held, only=only)


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


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["optimize", *map(str, words)])


@pytest.fixture(scope="module")
def candle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(a_walk(3_000), tmp_path_factory.mktemp("walk") / "walk.csv")


NEAR = ("--strategy", "ema_cross:M1", "--search", "fast,stop_percent=0.1:0.5:0.1,target_percent=0.1:0.8:0.1")


def test_the_verb_writes_what_it_found(candle_file: Path, tmp_path: Path) -> None:
    pages = tmp_path / "a.html"

    result = run(
        *NEAR, "--candles", candle_file, "--trials", 10, "--min-trades", 5, "--jobs", 1, "--json", "-", "--html", pages
    )

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert len(document["trials"]) == 10
    assert document["best"]["value"] == max(one["value"] for one in document["trials"] if one["value"] is not None)
    assert pages.read_text().startswith("<!DOCTYPE html>")


def test_the_verb_shows_a_table_and_the_best_parameters(candle_file: Path) -> None:
    result = run(*NEAR, "--candles", candle_file, "--trials", 8, "--min-trades", 5, "--jobs", 1)

    assert result.exit_code == 0, result.output
    assert "8 trials" in result.stdout
    assert "Best: --params" in result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--strategy", "ema_crass"), "ema_cross"),
        (("--search", "speed"), "no parameter 'speed'"),
        (("--search", "fast=9"), "LOW:HIGH:STEP"),
        (("--search", "fast=1:900:1"), "between"),
        (("--params", "fast=10", "--search", "fast"), "held and searched"),
        (("--objective", "luck"), "profit_factor"),
        (("--trials", "0"), "--trials 0"),
        (("--jobs", "0"), "--jobs 0"),
        (("--out-of-sample", "1.5"), "--out-of-sample 1.5"),
        (("--candles", "nowhere.csv"), "nowhere.csv"),
        (("--html", "/nowhere/a.html"), "--html /nowhere/a.html"),
        (("--study", "/nowhere/a.journal"), "--study /nowhere/a.journal"),
        (("--from", "2099-01-01"), "no candle"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(candle_file: Path, words: tuple[str, ...], told: str) -> None:
    usual = {"--strategy": "ema_cross:M1", "--candles": str(candle_file), "--trials": "2", "--jobs": "1"}
    given = dict(zip(words[::2], words[1::2], strict=True))

    result = run(*(word for pair in (usual | given).items() for word in pair))

    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.real
def test_ctrl_c_ends_the_search_and_the_same_call_goes_on(candle_file: Path, tmp_path: Path) -> None:
    """A real process with two workers, interrupted in the middle."""
    study, out = tmp_path / "study.journal", tmp_path / "a.json"
    words = [
        sys.executable,
        "-m",
        "cli",
        "optimize",
        *NEAR,
        "--candles",
        str(candle_file),
        "--min-trades",
        "5",
        "--trials",
        "40",
        "--jobs",
        "2",
        "--study",
        str(study),
        "--json",
        str(out),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (study.exists() and study.read_bytes().count(b"\n") > 12):
        assert time.monotonic() < deadline, "no trial was stored"
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)  # the machine is the search's: a file rings no event
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)

    assert process.returncode == 130, told
    assert b"goes on from" in told
    assert subprocess.run(words, cwd=ROOT, env=environment, check=False, capture_output=True).returncode == 0
    resumed = json.loads(out.read_text())
    whole = json.loads(run(*words[4:-4], "--json", "-").stdout)
    assert 0 < resumed["resumed"] < 40
    assert resumed["best"] == whole["best"]
    assert resumed["trials"] == whole["trials"]
