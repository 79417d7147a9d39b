"""`sinyal backtest` as it is typed."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from research.documents import CSV_COLUMNS
from tests.shared import shared_path

MINUTE_S = 60
START_S = 1_767_571_200  # Monday 2026-01-05 00:00 UTC


NEAR = ("--strategy", "ema_cross:M1", "--params", "stop_percent=0.1,target_percent=0.2")
"""Levels so near that a market of a few dollars reaches them."""


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, words)])


@pytest.fixture(scope="module")
def candle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of a market that swings, so that every strategy has something to say."""
    path = tmp_path_factory.mktemp("candles") / "swings.csv"
    rows, close = [], 4000.0
    for minute in range(4320):
        phase = minute % 240
        start, close = close, close + (0.25 if phase < 120 else -0.24) + (0.9 if minute % 7 == 0 else -0.15)
        high, low = max(start, close) + 0.2, min(start, close) - 0.2
        rows.append(f"{START_S + minute * MINUTE_S},{start:.3f},{high:.3f},{low:.3f},{close:.3f},{40 + minute % 9}")
    path.write_text("\n".join(["epoch_s,open,high,low,close,volume", *rows]) + "\n")
    return path


def test_the_document_holds_bars_ticks_trades_and_a_summary(candle_file: Path) -> None:
    result = run(*NEAR, "--candles", candle_file, "--json", "-", "--plan", "plain")

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert list(document) == ["bars", "ticks", "trades", "summary"]
    assert (document["bars"], document["ticks"]) == (4320, 0)
    assert document["trades"], "the market swings: there are trades"
    for trade in document["trades"]:
        assert list(trade) == [
            "id", "side", "opened_at", "entry", "stop", "target", "closed_at", "exit", "reason", "pnl", "r",
        ]  # fmt: skip
    summary = document["summary"]
    assert summary["warm_up_bars"] == 200  # the 201st candle is the first to be judged
    assert summary["trades"] == len(document["trades"])
    assert summary["pnl"] == pytest.approx(sum(trade["pnl"] for trade in document["trades"]))
    assert summary["signals"] == summary["trades"] + sum(summary["refused"].values()) + summary["open_at_end"]
    assert summary["parameters"]["fast"] == 20


def test_the_table_holds_the_same_trades(candle_file: Path, tmp_path: Path) -> None:
    words = (*NEAR, "--candles", candle_file, "--json", tmp_path / "a.json")

    assert run(*words, "--csv", tmp_path / "a.csv").exit_code == 0

    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    trades = json.loads((tmp_path / "a.json").read_text())["trades"]
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["id"], float(row["pnl"])) for row in rows] == [(trade["id"], trade["pnl"]) for trade in trades]


def test_parameters_change_what_is_said(candle_file: Path) -> None:
    words = (*NEAR, "--candles", candle_file, "--json", "-")

    usual, quick = (json.loads(run(*words, *more).stdout) for more in ((), ("--params", "fast=5,slow=30")))

    assert quick["summary"]["parameters"]["fast"] == 5
    assert quick["trades"] != usual["trades"]


def test_finer_candles_are_rolled_up_for_the_strategy(candle_file: Path) -> None:
    document = json.loads(run("--strategy", "ema_cross:M5", "--candles", candle_file, "--json", "-").stdout)

    assert document["summary"]["interval"] == "M5"
    assert document["bars"] == 4320 // 5


def test_trading_begins_at_from_and_the_data_ends_at_to(candle_file: Path) -> None:
    words = ("--from", "2026-01-06", "--to", "2026-01-06T12:00", "--json", "-")

    document = json.loads(run(*NEAR, "--candles", candle_file, *words).stdout)

    assert document["bars"] == 720
    assert document["summary"]["warm_up_bars"] == 1440
    assert all("2026-01-06T00" <= trade["opened_at"] < "2026-01-06T12" for trade in document["trades"])


def test_people_see_the_numbers(candle_file: Path) -> None:
    result = run("--strategy", "ema_cross:M1", "--candles", candle_file)

    assert result.exit_code == 0
    for word in ("profit factor", "max drawdown", "Sharpe", "exposure", "hour UTC", "weekday"):
        assert word in result.stdout


def test_a_recorded_day_is_tested_on_its_quotes() -> None:
    tape = shared_path("data/xauusd/tick/20140502_quote.zip")

    document = json.loads(run("--strategy", "trend_pullback", "--tape", tape, "--json", "-").stdout)

    assert (document["bars"], document["ticks"]) == (1257, 265_015)
    assert document["summary"]["trades"] > 20
    assert document["summary"]["by_side"].keys() == {"BUY", "SELL"}


# --- what is wrong is told in one line -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--strategy", "trend_pulback"), "--strategy trend_pulback: no"),
        (("--params", "fats=3"), "no parameter 'fats'; did you mean 'fast'?"),
        (("--params", "fast=three"), "--params fast=three: the value must be a number"),
        (("--params", "fast"), "--params fast: must be name=value"),
        (("--params", "fast=7000"), "ema_cross.fast must lie between 5 and 40, not 7000"),
        (("--plan", "quick"), "--plan: 'quick' is no part of a plan"),
        (("--entry", "later"), "--entry later: must be close or next"),
        (("--lots", "0"), "--lots 0: must be a number from 0.01 to 100"),
        (("--spread", "-1"), "--spread -1: must be pips"),
        (("--symbol", "EURUSD"), "--symbol: 'EURUSD' is no instrument here"),
        (("--from", "yesterday"), "--from yesterday: must be a date"),
        (("--from", "2026-01-07", "--to", "2026-01-06"), "--from must be before --to"),
        (("--from", "2030-01-01"), "ema_cross needs 201 M1 candles"),
        (("--to", "2020-01-01"), "holds no candle before --to"),
        (("--html", "/nowhere/at/all.html"), "--html /nowhere/at/all.html: must be a file in a folder that exists"),
        (("--tape", "x.csv"), "give one of --tape and --candles"),
    ],
)
def test_a_wrong_option_is_named(candle_file: Path, words: tuple[str, ...], told: str) -> None:
    usual = () if "--strategy" in words else ("--strategy", "ema_cross:M1")

    result = run("--candles", candle_file, *usual, *words)

    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


SOUND = "1767571200,4000,4001,3999,4000.5,9"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ((), "there is no candle"),
        ((SOUND, SOUND), "line 2: epoch_s 1767571200 does not come after 1767571200; rows must be sorted by time"),
        ((SOUND, "1767571260,4000,3990,3999,4000.5,9"), "line 2: low 3999 and high 3990 must be prices"),
        ((SOUND, "1767571260,4000,4001,3999,4000.5"), "line 2: has 5 fields"),
        ((SOUND, "1767571260,4000,4001,3999,many,9"), "line 2: close 'many' must be a number"),
        ((SOUND, "1767571261,4000,4001,3999,4000.5,9"), "row 2: the time is no beginning of an M1 candle"),
        ((SOUND, "1767571260,4000,4001,3999,4000.5,9"), "ema_cross needs 201 M1 candles to judge the first one"),
    ],
)
def test_a_broken_candle_file_is_named_with_its_row(tmp_path: Path, rows: tuple[str, ...], told: str) -> None:
    path = tmp_path / "candles.csv"
    path.write_text("".join(f"{row}\n" for row in rows))

    result = run("--strategy", "ema_cross:M1", "--candles", path)

    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_coarser_candles_than_the_strategy_judges_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_text("".join(f"{START_S + 3600 * hour},4000,4001,3999,4000.5,9\n" for hour in range(300)))

    result = run("--strategy", "ema_cross:M5", "--candles", path)

    assert result.exit_code == 2
    assert "holds H1 candles; the strategy judges M5" in result.stderr


QUOTE = "1767571200000,4000.0,4000.2"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ((), "holds no quote"),
        ((QUOTE, "1767571199000,4000.0,4000.2"), "line 2: time goes backwards by 1000 ms"),
        ((QUOTE, "1767571201000,4000.3,4000.2"), "line 2: bid 4000.3 is above ask 4000.2"),
        ((QUOTE, "1767571201000,4000.3"), "line 2: expected three numbers"),
        ((QUOTE, "1767571201000,4000.3,,"), "line 2: expected three numbers"),
        ((QUOTE, "1767571201000,-4.0,4000.2"), "line 2: a price must be greater than zero"),
        (("1767571200,4000.0,4000.2",), "line 1: the time looks like seconds"),
    ],
)
def test_a_broken_tape_is_named_with_its_row(tmp_path: Path, rows: tuple[str, ...], told: str) -> None:
    path = tmp_path / "tape.csv"
    path.write_text("".join(f"{row}\n" for row in rows))

    result = run("--strategy", "ema_cross:M1", "--tape", path)

    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_tape_is_named(tmp_path: Path) -> None:
    result = run("--strategy", "ema_cross:M1", "--tape", tmp_path / "none.csv")

    assert result.exit_code == 2
    assert "no such tape" in result.stderr


def test_a_calendar_that_is_wrong_is_named_with_its_line(candle_file: Path, tmp_path: Path) -> None:
    news = tmp_path / "news.csv"
    news.write_text("time,subject\nsoon,NFP\n")

    result = run(*NEAR, "--candles", candle_file, "--news", news)

    assert result.exit_code == 2
    assert f"--news: {news}, line 2: time 'soon' must be a moment" in result.stderr
