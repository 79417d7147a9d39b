"""`sinyal optimize` as it is typed."""

import json
import os
import signal
import subprocess
import sys
import time
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
