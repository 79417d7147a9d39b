"""Live equals backtest: the running rooms say of a tape what the backtest says of it, killed in the middle or not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import shared_path

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def sinyal_replay(*flags: str, within_s: float = 500) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cli", "replay", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=within_s, check=False)


def verdict_of(report: Path, *flags: str) -> dict[str, Any]:
    done = sinyal_replay("--json", str(report), *flags)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    verdict: dict[str, Any] = json.loads(report.read_text())
    assert (done.returncode == 0) == verdict["identical"]
    return verdict


def is_identical(verdict: dict[str, Any]) -> None:
    assert verdict["differences"] == []
    assert verdict["identical"] is True


@pytest.mark.stack
def test_a_generated_morning_is_identical_though_rooms_are_killed_with_work_in_hand(tmp_path: Path) -> None:
    flags = ("--to", "2026-06-09T10:30", "--restart", "signals,positions")

    verdict = verdict_of(tmp_path / "verdict.json", *flags)

    is_identical(verdict)
    assert verdict["signals"] > 10
    assert verdict["exits"] > 5
    assert sorted(verdict["restarted"]) == ["positions", "signals"]


@pytest.mark.stack
def test_an_hour_of_recorded_gold_is_identical(tmp_path: Path) -> None:
    tape = shared_path("data/xauusd/tick/20140502_quote.zip")
    span = ("--from", "2014-05-02T12:00", "--to", "2014-05-02T14:00")  # the hour of the American job numbers

    verdict = verdict_of(tmp_path / "verdict.json", "--tape", str(tape), *span, "--restart", "positions")

    is_identical(verdict)
    assert verdict["signals"] > 5
    assert verdict["exits"] >= 1


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize("seed", ["7", "8", "9"])
def test_a_generated_day_is_identical(tmp_path: Path, seed: str) -> None:
    verdict = verdict_of(tmp_path / "verdict.json", "--seed", seed, "--restart", "signals,positions")

    is_identical(verdict)
    assert verdict["exits"] > 20


def says_one_line(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    (line,) = done.stderr.strip().splitlines()
    assert done.returncode == 2
    assert all(word in line for word in words), line


def test_wrong_input_is_one_line_that_says_what_would_be_right(tmp_path: Path) -> None:
    says_one_line(sinyal_replay("--restart", "feed"), "--restart feed", "signals, positions")
    says_one_line(sinyal_replay("--strategy", "magic"), "--strategy magic", "trend_pullback")
    says_one_line(sinyal_replay("--tape", str(tmp_path / "none.csv")), "none.csv", "no such tape")
    says_one_line(sinyal_replay("--from", "2026-06-09T09:00"), "--from", "generated")
    says_one_line(sinyal_replay("--to", "2026-06-09T08:00"), "--to", "nothing to replay")
    says_one_line(sinyal_replay("--to", "noon"), "--to noon", "2014-05-02")
