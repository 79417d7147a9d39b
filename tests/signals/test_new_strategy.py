"""`sinyal new-strategy` writes an example that runs at once, and refuses what could not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.signals.adapters.strategy_catalogue import open_shelf
from tests.shared import ROOT


def sinyal(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_example_is_a_strategy_and_its_test_passes(tmp_path: Path) -> None:
    folder = tmp_path / "strategies"

    done = sinyal("new-strategy", "night_breakout", "--folder", str(folder))

    assert done.returncode == 0, done.stderr
    strategy, test = map(Path, done.stdout.split())
    assert strategy == folder / "night_breakout.py"
    assert open_shelf(folder).find("night_breakout").__name__ == "NightBreakout"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NightBreakout", "must be lower-case letters, digits and underscores, such as night_breakout"),
        ("class", "must be lower-case letters, digits and underscores; and no word of Python"),
        ("9lives", "must be lower-case letters, digits and underscores; and no word of Python"),
        ("../up", "must be lower-case letters, digits and underscores, such as up"),
        ("test_it", "must be lower-case letters"),
        ("ema_cross", "there is a strategy of that name already; taken are breakout, ema_cross"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_one_that_could(tmp_path: Path, name: str, said: str) -> None:
    done = sinyal("new-strategy", name, "--folder", str(tmp_path))

    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.rglob("*.py")) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "mine.py").write_text("draft = True")

    done = sinyal("new-strategy", "mine", "--folder", str(folder))

    assert done.returncode == 2
    assert f"{folder / 'mine.py'} exists already" in done.stderr
    assert (folder / "mine.py").read_text() == "draft = True"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = sinyal("new-strategy", "mine", "--folder", str(tmp_path / "file" / "strategies"))

    assert done.returncode == 2
    assert "cannot be written" in done.stderr
