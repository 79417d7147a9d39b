"""Files read in one go are what the careful readers read."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.evaluate import read_candles
from cli.market_files import NotPlainError, _numbers, read_candle_file, read_tape
from cli.wrong_input import InputError
from contracts.messages import Interval
from research.market import Ticks
from sandbox.exchange.tape import open_tape
from tests.research.builders import NOON_MS
from tests.shared import shared_path

ROWS = [f"{NOON_MS + 700 * at},{4000 + at / 7:.3f},{4000.2 + at / 7:.3f}" for at in range(500)]


def same(one: Ticks, other: Ticks) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("epoch_ms", "bid", "ask"))


def plain(path: Path, text: str) -> Path:
    file = path / "tape.csv"
    file.write_text(text)
    return file


def gzipped(path: Path, text: str) -> Path:
    file = path / "tape.csv.gz"
    file.write_bytes(gzip.compress(text.encode()))
    return file


def zipped(path: Path, text: str) -> Path:
    file = path / "tape.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tape.csv", text)
    return file


@pytest.mark.parametrize("packed", [plain, gzipped, zipped])
@pytest.mark.parametrize("header", ["", "epoch_ms,bid,ask\n"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_of_quotes(tmp_path: Path, packed: Callable[[Path, str], Path], header: str, ending: str) -> None:
    path = packed(tmp_path, header + ending.join(ROWS) + ending)

    assert same(read_tape(path), Ticks.of(open_tape(path).quotes()))


def test_blank_lines_are_left_out(tmp_path: Path) -> None:
    path = plain(tmp_path, "\n".join([*ROWS[:3], "", *ROWS[3:9], "", ""]))

    assert same(read_tape(path), Ticks.of(open_tape(path).quotes()))


def test_days_in_a_folder_are_read_in_their_order_and_told_of() -> None:
    folder = shared_path("data/xauusd/tick")
    heard: list[tuple[int, int]] = []

    found = read_tape(folder, told=lambda done, total: heard.append((done, total)))

    assert len(found) > 1_300_000
    assert bool((np.diff(found.epoch_ms) >= 0).all())
    assert heard[-1][0] == heard[-1][1] == len(heard)


def test_a_recorded_day_is_read_to_the_last_bit() -> None:
    path = shared_path("data/xauusd/tick/20140504_quote.zip")

    assert same(read_tape(path), Ticks.of(open_tape(path).quotes()))


def test_a_day_whose_name_is_no_date_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "20141399_quote.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "1,4.0,4.1\n")

    with pytest.raises(InputError, match="20141399 is no date"):
        read_tape(path)


@given(
    rows=st.lists(
        st.tuples(*(st.floats(allow_nan=False, allow_infinity=False, width=64) for _ in range(3))),
        min_size=1,
        max_size=9,
    )
)
def test_numbers_are_read_to_the_last_bit(rows: list[tuple[float, float, float]]) -> None:
    text = "\n".join(",".join(map(repr, row)) for row in rows)

    assert [tuple(row) for row in _numbers(text.encode(), 3).tolist()] == rows


@pytest.mark.parametrize(
    "text", ["1,2", "1,2,3,4", "1,2\n3,4,5,6", "1,x,3", "1,,3", "1,2,3\n4,5,nan", "1,2,inf", "1 2,3,4", ""]
)
def test_what_is_not_plain_is_left_to_the_careful_reader(text: str) -> None:
    with pytest.raises(NotPlainError):
        _numbers(text.encode(), 3)


def test_candles_are_what_the_careful_reader_reads(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    rows = [f"{1_767_571_200 + 60 * at},{4000 + at / 7:.3f},{4001 + at / 7:.3f},3999,4000,{at}" for at in range(300)]
    path.write_text("\n".join(rows))

    found = read_candle_file(path, Interval.M1)

    assert found.rows == read_candles(path)
    assert found.interval is Interval.M1
