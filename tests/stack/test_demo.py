"""The demo as a stranger runs it: nothing lost, nothing doubled, nothing left."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import shared_path

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.real, pytest.mark.stack, pytest.mark.timeout(300)]


def run_demo(report: Path, *flags: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "cli", "demo", "--no-open", "--json", str(report), *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(report.read_text())


def nothing_is_wrong(summary: dict[str, Any]) -> None:
    assert (summary["lost"], summary["duplicated"], summary["orphans"]) == (0, 0, 0)
    assert summary["messages"]["dead"] == 0
    assert summary["messages"]["unknown"] == 0


def something_happened(summary: dict[str, Any]) -> None:
    assert summary["ticks"] > 0
    assert all(summary["candles"][interval] > 0 for interval in ("M1", "M5", "M15", "H1"))
    assert summary["signals"] >= 1
    assert summary["positions"]["closed"] >= 1
    assert summary["messages"]["photos"] >= 1
    assert summary["messages"]["sent"] >= 2
    assert all(summary["latency_ms"][name]["p50"] is not None for name in summary["latency_ms"])


def test_a_minute_of_the_generated_market(tmp_path: Path) -> None:
    summary = run_demo(tmp_path / "demo.json", "--seconds", "60")
    nothing_is_wrong(summary)
    something_happened(summary)


def test_a_minute_of_recorded_gold(tmp_path: Path) -> None:
    tape = shared_path("data/xauusd/tick")
    summary = run_demo(tmp_path / "demo.json", "--seconds", "60", "--tape", str(tape), "--speed", "60", "--lang", "en")
    nothing_is_wrong(summary)
    something_happened(summary)


def test_thirty_people_are_told_of_the_same_signal(tmp_path: Path) -> None:
    summary = run_demo(tmp_path / "demo.json", "--seconds", "60", "--subscribers", "30")
    nothing_is_wrong(summary)
    assert summary["positions"]["proposed"] >= 30
