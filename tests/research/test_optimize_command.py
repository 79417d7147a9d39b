"""`sinyal optimize` as it is typed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from tests.research.walks import a_walk, write_candles

ROOT = Path(__file__).resolve().parent.parent.parent


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


INTERRUPTED = """
import os, signal
from research.search.record import Record

add = Record.add

def add_and_press(self, outcome):
    add(self, outcome)
    if len(self.outcomes) == 10:
        os.killpg(0, signal.SIGINT)  # as a terminal's Ctrl-C does: the workers hear it too

if __name__ == "__main__":
    from cli.__main__ import main

    Record.add = add_and_press
    main()
"""


@pytest.mark.slow
@pytest.mark.real
def test_ctrl_c_ends_the_search_and_the_same_call_goes_on(candle_file: Path, tmp_path: Path) -> None:
    """A real process with two workers, interrupted in the middle."""
    study, out = tmp_path / "study.journal", tmp_path / "a.json"
    words = ("optimize", *NEAR, "--candles", str(candle_file), "--min-trades", "5", "--trials", "40", "--jobs", "2")
    kept = ("--study", str(study), "--json", str(out))
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def call(*program: str) -> "subprocess.CompletedProcess[bytes]":
        command = [sys.executable, *program, *words, *kept]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, check=False, start_new_session=True, timeout=100
        )

    ended = call(str(script))

    assert ended.returncode == 130, ended.stderr
    assert b"goes on from" in ended.stderr
    assert call("-m", "cli").returncode == 0
    resumed = json.loads(out.read_text())
    whole = json.loads(run(*words[1:], "--json", "-").stdout)
    assert 0 < resumed["resumed"] < 40
    assert resumed["best"] == whole["best"]
    assert resumed["trials"] == whole["trials"]
