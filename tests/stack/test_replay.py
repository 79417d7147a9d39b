"""Live equals backtest: the running rooms say of a tape what the backtest says of it, killed in the middle or not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from tests.sandbox.exchange_client import some_quotes, write_tape
from tests.shared import shared_path

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def verdict_of(report: Path, *flags: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "cli", "replay", "--json", str(report), *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    verdict: dict[str, Any] = json.loads(report.read_text())
    assert (done.returncode == 0) == verdict["identical"]
    return verdict


def is_identical(verdict: dict[str, Any]) -> None:
    assert verdict["differences"] == []
    assert verdict["identical"] is True


@pytest.mark.stack
def test_a_generated_morning_is_identical_though_rooms_are_killed_with_work_in_hand(tmp_path: Path) -> None:
    flags = ("--to", "2026-06-09T09:45", "--restart", "signals,positions")

    verdict = verdict_of(tmp_path / "verdict.json", *flags)

    is_identical(verdict)
    assert verdict["signals"] > 10
    assert verdict["exits"] > 3
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
def test_a_generated_day_is_identical(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path / "verdict.json", "--seed", "7", "--restart", "signals,positions")

    is_identical(verdict)
    assert verdict["exits"] > 20


def refused(*flags: str) -> str:
    done = CliRunner().invoke(app, ["replay", *flags])
    (line,) = done.stderr.strip().splitlines()
    assert done.exit_code == 2
    return line


def test_wrong_input_is_one_line_that_says_what_would_be_right(tmp_path: Path) -> None:
    assert "--restart feed: must be of signals, positions" in refused("--restart", "feed")
    assert "trend_pullback" in refused("--strategy", "magic")
    assert "score_needed" in refused("--params", "score_neded=6")
    assert "none.csv: no such tape" in refused("--tape", str(tmp_path / "none.csv"))
    assert "generated market has its own beginning" in refused("--from", "2026-06-09T09:00")
    assert "--to: nothing to replay" in refused("--to", "2026-06-09T08:00")
    assert "2014-05-02" in refused("--to", "noon")


def test_a_tape_too_short_for_the_strategy_is_refused_before_anything_starts(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "gold.csv", some_quotes(44))

    assert "trend_pullback needs 60" in refused("--tape", str(tape))
