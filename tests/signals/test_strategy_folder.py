"""Strategies from files: what runs, what is told of those that do not, and that nobody stops another."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import StartError
from contracts.messages import Interval
from services.signals.adapters.strategy_catalogue import load_strategies, open_shelf, read_label
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.columns import columns_of
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import StrategyError
from tests.signals.builders import market_with_breaks

PLUG_IN = """\
from dataclasses import dataclass

from contracts.messages import Interval, Side
from services.signals.domain.levels import levels_at
from services.signals.domain.opinion import NoSignal
from services.signals.domain.strategy import Strategy, tunable


@dataclass(frozen=True, slots=True, kw_only=True)
class UpParameters:
    stop: float = tunable(2.0, low=1.0, high=5.0, step=0.5)


class Up(Strategy[UpParameters]):
    INTERFACE_VERSION = 2
    name = "up"
    version = "1.0.0"
    intervals = (Interval.M1, Interval.M5)
    candles_needed = 1
    parameters_type = UpParameters

    def evaluate(self, view):
        if view.candle.close > view.candle.open + 1.5:
            return self.trade(Side.BUY, view, reasons=("reason.rose",))
        return NoSignal(("why.did_not_rise",))

    def levels(self, side, view, strength):
        return levels_at(side, view.candle.close, stop_distance=self.parameters.stop, rr=2.0)
"""

BAD_NAME = """
    def indicators(self):
        from services.signals.domain.classic import Ema

        return {"9x": Ema(5)}
"""


def folder_of(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.py").write_text(textwrap.dedent(text))
    return path


def test_a_file_dropped_into_the_folder_runs(tmp_path: Path) -> None:
    shelf = open_shelf(folder_of(tmp_path, up=PLUG_IN))

    [first, strategy] = load_strategies(("trend_pullback", "*"), {"up": {"stop": 3}}, shelf)

    assert first.name == "trend_pullback"
    assert strategy.parameters.stop == 3
    columns = columns_of(market_with_breaks(seed=1, count=300))
    assert {signal.stop_distance for _, signal in StrategyRun(strategy).signals(columns)} == {3.0}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("x = 1\nif True\n", 2, "SyntaxError: expected ':'"),
        ("import math\n\nmath.sqrt(-1)\n", 3, "ValueError: "),
        ("import no_such_library\n", 1, "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemExit(1)\n", 1, "SystemExit: 1"),
        ("x = 1\n", 1, "there is no class in it that is a Strategy"),
        (PLUG_IN.replace("INTERFACE_VERSION = 2", "INTERFACE_VERSION = 1"), 14, "INTERFACE_VERSION is 1, this program"),
        (PLUG_IN.replace('name = "up"', 'name = "Up Up"'), 14, "must be lower-case letters"),
        (PLUG_IN.replace('version = "1.0.0"', ""), 14, "version is missing"),
        (PLUG_IN.replace('name = "up"', 'name = "breakout"'), 14, "there is another strategy called 'breakout'"),
        (PLUG_IN + "\n    def indicators(self):\n        return {'x': 1 / 0}\n", 31, "ZeroDivisionError"),
        (PLUG_IN + BAD_NAME, 14, "ValueError: "),
        (PLUG_IN.replace("view.candle.open", "view.candle.opens"), 23, "AttributeError: 'Candle' object has no"),
        ("class \x00", 1, "SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_a_broken_file_is_told_by_file_and_line_and_stops_no_other(
    tmp_path: Path, text: str, line: int, told: str
) -> None:
    shelf = open_shelf(folder_of(tmp_path, aaa_broken=text, zzz_up=PLUG_IN))

    [broken] = shelf.broken

    assert (broken.path.name, broken.line or 1) == ("aaa_broken.py", line)
    assert f"aaa_broken.py:{line}: " in str(broken)
    assert told in str(broken)
    assert "up" in shelf.types


def test_two_files_cannot_have_one_name(tmp_path: Path) -> None:
    shelf = open_shelf(folder_of(tmp_path, one=PLUG_IN, two=PLUG_IN))

    assert [str(broken).partition(": ")[2] for broken in shelf.broken] == [
        "Up: there is another strategy called 'up'; rename it"
    ]
    assert shelf.broken[0].path.name == "two.py"


def test_drafts_tests_and_a_folder_that_does_not_exist_are_left_alone(tmp_path: Path) -> None:
    folder_of(tmp_path, _draft="x = (", test_up="x = (")

    for folder in (tmp_path, tmp_path / "none"):
        shelf = open_shelf(folder)
        assert (list(shelf.types), list(shelf.broken)) == (list(BUILT_IN), [])


def test_a_listed_strategy_whose_file_is_broken_is_left_out_while_others_run(tmp_path: Path) -> None:
    shelf = open_shelf(folder_of(tmp_path, mine="x = ("))

    running = load_strategies(("mine", "ema_cross"), {"mine": {"stop": 3}}, shelf)

    assert [one.name for one in running] == ["ema_cross"]
    with pytest.raises(StartError, match=r"none is left to run \(.*mine.py:1: SyntaxError"):
        load_strategies(("mine",), {}, shelf)
    with pytest.raises(StrategyError, match=r"strategy 'mine' cannot be read: .*mine.py:1"):
        shelf.find("mine")


def test_one_strategy_runs_on_several_intervals_each_with_its_parameters() -> None:
    shelf = open_shelf(Path("nowhere"))
    parameters: dict[str, dict[str, Any]] = {"ema_cross": {"slow": 60}, "ema_cross:M15": {"fast": 10}}

    running = load_strategies(("ema_cross", "ema_cross:M15", "breakout:H1"), parameters, shelf)

    assert [one.label for one in running] == ["ema_cross:M5", "ema_cross:M15", "breakout:H1"]
    assert [(one.parameters.fast, one.parameters.slow) for one in running[:2]] == [(20, 60), (10, 60)]
    assert read_label("breakout") == ("breakout", None)
    assert read_label("breakout:H1") == ("breakout", Interval.H1)


def test_a_class_of_any_package_can_be_named() -> None:
    path = "services.signals.domain.strategies.ema_cross.EmaCross"

    [strategy] = load_strategies((f"{path}:M1",), {path: {"fast": 10}}, open_shelf(Path("nowhere")))

    assert (strategy.label, strategy.parameters.fast) == ("ema_cross:M1", 10)


@pytest.mark.parametrize(
    ("labels", "parameters", "said"),
    [
        (
            ("ema_kross",),
            {},
            "STRATEGIES: no strategy 'ema_kross'; did you mean 'ema_cross'? There are breakout,",
        ),
        (("ema_cross:M7",), {}, "STRATEGIES: 'ema_cross:M7': the interval must be one of M1, M5, M15, H1"),
        (("ema_cross", "ema_cross:M5"), {}, "STRATEGIES: ema_cross:M5 is listed twice"),
        (("no.such.Thing",), {}, "STRATEGIES: 'no.such.Thing' cannot be imported: No module named 'no'"),
        (("pathlib.Path",), {}, "STRATEGIES: 'pathlib.Path' is not a strategy class"),
        (("*",), {}, "STRATEGIES: none is left to run"),
        (("ema_cross",), {"breakout": {}}, "PARAMETERS: 'breakout' is not among the strategies ema_cross:M5"),
        (("ema_cross",), {"ema_cross": {"fas": 5}}, "PARAMETERS: ema_cross: no parameter 'fas'; did you mean 'fast'?"),
        (("ema_cross",), {"ema_cross": {"fast": 500}}, "PARAMETERS: ema_cross.fast must lie between 5 and 40, not 500"),
        (("ema_cross",), {"ema_cross": {"fast": 40, "slow": 30}}, "PARAMETERS: ema_cross: fast 40 must be less than"),
    ],
)
def test_a_wrong_list_or_parameter_stops_the_start_and_says_what_would_be_right(
    labels: tuple[str, ...], parameters: dict[str, dict[str, Any]], said: str
) -> None:
    with pytest.raises(StartError) as refused:
        load_strategies(labels, parameters, open_shelf(Path("nowhere")))

    assert str(refused.value).startswith(f"SINYAL_SIGNALS_{said}")
