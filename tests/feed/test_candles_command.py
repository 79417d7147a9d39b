"""`sinyal candles`: the feed's own fold, on a file."""

import time

import pytest
import typer
from typer.testing import CliRunner

from cli.candles import candles
from tests.shared import shared_path

app = typer.Typer()
app.command()(candles)
TAPE = "epoch_ms,bid,ask\n1767614400000,4000.0,4000.2\n1767614459999,4001.0,4001.3\n1767614700000,3999.0,3999.2\n"


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def tape(tmp_path):
    path = tmp_path / "tape.csv"
    path.write_text(TAPE)
    return path


def test_candles_are_written_as_csv_the_last_one_included(tape) -> None:
    assert run("--tape", tape).stdout.splitlines() == [
        "epoch_s,open,high,low,close,volume",
        "1767614400,4000.1,4001.15,4000.1,4001.15,2",
        "1767614700,3999.1,3999.1,3999.1,3999.1,1",
    ]


@pytest.mark.parametrize(
    ("price", "row"),
    [("bid", "1767614400,4000.0,4001.0,3999.0,3999.0,3"), ("ASK", "1767614400,4000.2,4001.3,3999.2,3999.2,3")],
)
def test_a_side_and_an_interval_can_be_chosen(tape, price, row) -> None:
    assert run("--tape", tape, "--interval", "m15", "--price", price).stdout.splitlines()[1:] == [row]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--interval", "M2"], "--interval M2: one of M1, M5, M15, H1"),
        (["--price", "last"], "--price last: one of mid, bid, ask"),
    ],
)
def test_a_wrong_option_is_one_line_that_says_what_would_be_right(tape, arguments, words) -> None:
    result = run("--tape", tape, *arguments)

    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("row", ["1767614460000,10", "1767614460000,4001,4000", "1767614300000,4000,4001", "x,y,z"])
def test_a_broken_row_is_named_by_its_line(tape, row) -> None:
    tape.write_text(TAPE.replace("1767614700000,3999.0,3999.2", row))

    result = run("--tape", tape)

    assert result.exit_code == 2
    assert "tape.csv" in result.stderr
    assert "4" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_tape_is_one_line(tmp_path) -> None:
    result = run("--tape", tmp_path / "none.csv")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_a_real_day_takes_a_few_seconds_at_most(tmp_path) -> None:
    day = tmp_path / "20140502_quote.zip"
    day.write_bytes(shared_path("data/xauusd/tick/20140502_quote.zip").read_bytes())

    started = time.process_time()
    result = run("--tape", tmp_path)

    assert result.stdout.count("\n") > 1000
    assert time.process_time() - started < 8
