"""`sinyal evaluate`: the same numbers as the golden vectors, and one clear line for everything wrong."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.evaluate import evaluate
from contracts.messages import Interval
from services.signals.domain.candle import Candle
from services.signals.domain.columns import columns_of
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategies.ema_cross import EmaCross
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.domain.view import View
from tests.shared import shared_path
from tests.signals.builders import flat_series, golden_series, market_with_breaks

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(evaluate)


def row_of(candle: Candle) -> str:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return ",".join([str(candle.open_time_s), *map(repr, prices), f"{candle.volume:g}"])


def write(path: Path, rows: Sequence[str], *, header: bool = False) -> Path:
    file = path / "candles.csv"
    file.write_text("\n".join(["epoch_s,open,high,low,close,volume"] * header + list(rows)) + "\n")
    return file


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--candles", str(file), *arguments])


def documents(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("mode", ["auto", "manual"])
def test_golden_vectors_come_out_of_the_command(tmp_path: Path, mode: str, header: bool) -> None:
    vectors = json.loads(shared_path("golden/trend_pullback.json").read_text())
    for vector in vectors:
        rows = [row_of(c) for c in golden_series(vector["end"], sign=vector["sign"])]
        file = write(tmp_path, rows, header=header)

        [document] = documents(run(file, "--mode", mode, "--window", "100", "--json"))

        assert document["ind"] == pytest.approx(vector["ind"], abs=1e-6, rel=0)
        expected = vector["signal"][mode]
        if expected is None:
            assert document["signal"] is None
            assert document["why"]
        else:
            told = {name: document["signal"][name] for name in ("stop", "target", "rr", "strength")}
            assert told == pytest.approx({name: expected[name] for name in told}, abs=1e-6, rel=0)
            assert document["signal"]["side"] == expected["side"]
            assert document["signal"]["lots"] == 0.01
            assert document["signal"]["entry"] == document["ind"]["close"]
            assert document["signal"]["reasons"]
            assert document["why"] == []


def test_without_window_all_rows_are_the_window(tmp_path: Path) -> None:
    candles = golden_series(150)

    [document] = documents(run(write(tmp_path, [row_of(c) for c in candles]), "--json"))

    expected = build_strategy(TrendPullback, {}).evaluate(View.of(candles))
    assert document["ind"] == expected.indicators
    assert document["scores"] == {"buy": expected.scores["BUY"], "sell": expected.scores["SELL"]}  # type: ignore[index]


def test_each_judges_every_row_on_the_rows_that_end_there(tmp_path: Path) -> None:
    candles = golden_series(130)
    file = write(tmp_path, [row_of(c) for c in candles])

    told = documents(run(file, "--window", "100", "--each", "--json"))

    assert [document["epoch_s"] for document in told] == [c.open_time_s for c in candles[99:]]
    for end, document in enumerate(told, start=100):
        part = write(tmp_path, [row_of(c) for c in candles[:end]])
        assert documents(run(part, "--window", "100", "--json")) == [document]


def test_each_judges_thousands_of_rows_in_seconds(tmp_path: Path) -> None:
    file = write(tmp_path, [row_of(c) for c in golden_series(2_100)])
    started = time.process_time()

    told = documents(run(file, "--window", "100", "--each", "--json"))

    assert len(told) == 2_001
    assert time.process_time() - started < 10


def test_undefined_values_are_null(tmp_path: Path) -> None:
    [document] = documents(run(write(tmp_path, [row_of(c) for c in flat_series(80)]), "--json"))

    assert (document["ind"]["rsi"], document["ind"]["stoch_k"]) == (None, None)
    assert document["why"] == ["why.rsi_undefined"]


def test_people_get_tables(tmp_path: Path) -> None:
    rows = [row_of(c) for c in golden_series(106)]

    one, many = (run(write(tmp_path, rows), *options) for options in (("--window", "100"), ("--each",)))
    silent = run(write(tmp_path, rows[:100]))

    assert [result.exit_code for result in (one, silent, many)] == [0, 0, 0]
    assert "BUY (auto)" in one.stdout
    assert "medium" in one.stdout
    assert "no signal (auto)" in silent.stdout
    assert "1 signals (auto) in 7 candles" in many.stdout


def broken(at: int, row: str) -> list[str]:
    rows = [row_of(c) for c in golden_series(70)]
    rows[at - 1] = row
    return rows


@pytest.mark.parametrize(
    ("rows", "arguments", "said"),
    [
        (broken(7, "360,1,2"), [], "line 7: has 3 fields; a row must be epoch_s,open,high,low,close,volume"),
        (broken(7, "360,1,x,1,1,5"), [], "line 7: high 'x' must be a number"),
        (broken(7, "360,1,nan,1,1,5"), [], "line 7: high 'nan' must be a number"),
        (broken(7, "360.5,1,1,1,1,5"), [], "line 7: epoch_s '360.5' must be a whole number of seconds"),
        (broken(7, "360,1,1,2,1,5"), [], "line 7: low 2 and high 1 must be prices"),
        (broken(7, "360,0,1,0,1,5"), [], "line 7: low 0 and high 1 must be prices"),
        (broken(7, "360,1,1e300,1,1,5"), [], "line 7: low 1 and high 1e+300 must be prices"),
        (broken(7, "360,3,2,1,1,5"), [], "line 7: open and close must lie between low 1 and high 2"),
        (broken(7, "360,1,1,1,1,-5"), [], "line 7: volume -5 must not be negative"),
        (broken(7, "300,1,1,1,1,5"), [], "line 7: epoch_s 300 does not come after 300; rows must be sorted"),
        (broken(7, '360,"1,1,1,1,5'), [], "line 70: unexpected end of data"),
        (broken(1, "time,o,h,l,c,v"), [], "line 1: epoch_s 'time' must be a whole number"),
        (broken(1, "")[:60], [], "has 59 rows; the strategy needs at least 60"),
        (broken(1, "0,1,1,1,1,5"), ["--window", "59"], "--window 59: must be at least 60"),
        (broken(1, "0,1,1,1,1,5"), ["--window", "71"], "has only 70 rows; give between 60 and 70"),
        (broken(1, "0,1,1,1,1,5"), ["--each"], "--window 100: "),
        (broken(1, "0,1,1,1,1,5"), ["--mode", "best"], "--mode best: must be auto or manual"),
    ],
)
def test_wrong_input_is_one_line_and_status_two(
    tmp_path: Path, rows: list[str], arguments: list[str], said: str
) -> None:
    result = run(write(tmp_path, rows), *arguments, "--json")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    picture = tmp_path / "chart.png"
    picture.write_bytes(b"\x89PNG\xff\xfe")

    for path, said in ((tmp_path / "none.csv", "No such file"), (tmp_path, "directory"), (picture, "is not text")):
        result = run(path)
        assert result.exit_code == 2
        assert said in result.stderr
        assert str(path) in result.stderr
        assert result.stderr.count("\n") == 1


def test_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    file = write(tmp_path, ["", *(row_of(c) for c in golden_series(60)), "", ""])
    file.write_text("\ufeff" + file.read_text().lstrip("\n"))

    assert run(file, "--json").exit_code == 0


def test_another_strategy_is_judged_as_a_backtest_judges_it(tmp_path: Path) -> None:
    candles = market_with_breaks(seed=6, count=900)
    file = write(tmp_path, [row_of(c) for c in candles])
    options = ("--strategy", "ema_cross:M1", "--params", "fast=10,slow=30", "--json")
    strategy = build_strategy(EmaCross, {"fast": 10, "slow": 30}, Interval.M1)
    expected = dict(StrategyRun(strategy).evaluations(columns_of(candles)))

    told = documents(run(file, *options, "--each"))
    [last] = documents(run(file, *options))

    assert [one["ind"] for one in told] == [expected[place].indicators for place in range(200, 900)]
    signals = [place for place, one in enumerate(told, start=200) if one["signal"]]
    assert signals == [place for place, _ in StrategyRun(strategy).signals(columns_of(candles))]
    assert len(signals) > 3
    assert last == told[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--strategy", "ema_kross"), "--strategy ema_kross: no strategy 'ema_kross'; did you mean 'ema_cross'?"),
        (
            ("--params", "score_need=6"),
            "--params: trend_pullback: no parameter 'score_need'; did you mean 'score_needed'?",
        ),
        (("--params", "score_needed=12"), "--params: trend_pullback.score_needed must lie between 3 and 9, not 12"),
        (("--params", "score_needed"), "--params score_needed: must be name=value"),
        (("--strategy", "ema_cross", "--window", "300"), "--window 300: ema_cross reads all rows"),
        (("--strategy", "ema_cross"), "has 106 rows; the strategy needs at least 201"),
    ],
)
def test_a_wrong_strategy_or_parameter_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(write(tmp_path, [row_of(c) for c in golden_series(106)]), *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
