"""docs/strategies.md: its commands are run, and its strategy is."""

import os
import re
import shlex
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from contracts.messages import Interval
from sandbox.exchange.tape_generated import GeneratedTape
from services.signals.adapters.strategy_catalogue import open_shelf
from services.signals.domain import classic, protections
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.columns import columns_of
from services.signals.domain.running import StrategyRun
from tests.shared import ROOT
from tests.signals.builders import market_with_breaks

PAGE = (ROOT / "docs" / "strategies.md").read_text()
[COMMANDS, *_] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
[EXAMPLE] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_the_commands_of_the_first_strategy_do_what_they_say(tmp_path: Path) -> None:
    with (tmp_path / "tape.csv").open("w") as tape:
        tape.writelines(f"{at},{bid},{ask}\n" for at, bid, ask in islice(GeneratedTape(seed=3).quotes(), 260_000))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for line in COMMANDS.splitlines():
        program, *words = shlex.split(line, comments=True)
        command = [sys.executable, *(["-m", "cli"] if program == "sinyal" else []), *words]

        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        )

        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "report.html").stat().st_size > 100_000


def test_the_example_of_the_tutorial_runs(tmp_path: Path) -> None:
    (tmp_path / "inside.py").write_text(EXAMPLE)
    shelf = open_shelf(tmp_path)
    market = columns_of(market_with_breaks(seed=4, count=6_000, interval_s=900))

    told = list(StrategyRun(shelf.build("inside", {"trend": 20})).signals(market))

    assert shelf.broken == ()
    assert shelf.find("inside").intervals[0] is Interval.M15
    assert {signal.side.value for _, signal in told} == {"BUY", "SELL"}
    hours = {market.rows[place].open_time_s // 3600 % 24 for place, _ in told}
    assert min(hours) >= 6
    assert max(hours) <= 19


def test_every_strategy_indicator_and_protection_is_on_the_page() -> None:
    indicators = {name for name, kind in vars(classic).items() if _is_own(kind, classic) and name not in PLUMBING}
    guards = {name for name, kind in vars(protections).items() if _is_own(kind, protections)}
    guards -= {"Protection", "Moment", "News"}

    for name in (*BUILT_IN, *indicators, *guards):
        assert f"`{name}" in PAGE or f"[{name}]" in PAGE, name
    for name in BUILT_IN:
        assert (ROOT / "docs" / "strategies" / f"{name}.md").exists()


PLUMBING = {"Columnar", "Classic", "OfClose", "OfRange", "Bands", "MacdLines", "StochasticLines"}


def _is_own(kind: object, module: object) -> bool:
    return isinstance(kind, type) and kind.__module__ == module.__name__  # type: ignore[attr-defined]  # a module has it
