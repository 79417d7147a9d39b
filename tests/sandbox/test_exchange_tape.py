"""Tapes: what is read is what was recorded, and what is broken is named."""

import gzip
import time
import zipfile
from pathlib import Path

import pytest

from sandbox.exchange.quotes import Quote, TapeError
from sandbox.exchange.tape import open_tape
from tests.sandbox.exchange_client import START_MS, some_quotes, write_tape
from tests.shared import shared_path

DAY_MS = 86_400_000
MIDNIGHT_MS = START_MS // DAY_MS * DAY_MS


def _day_zip(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}_quote.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}_xauusd_tick_quote.csv", text)
    return path


def test_a_csv_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    quotes = some_quotes(10)

    tape = open_tape(write_tape(tmp_path / "gold.csv", quotes))

    assert list(tape.quotes()) == quotes
    assert (tape.start_ms, tape.end_ms, tape.symbol) == (quotes[0].epoch_ms, quotes[-1].epoch_ms, "XAUUSD")


def test_a_header_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(f"epoch_ms,bid,ask\n{START_MS},4000.0,4000.2\n\n")

    assert list(open_tape(path).quotes()) == [Quote(START_MS, 4000.0, 4000.2)]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".zip"])
def test_a_part_read_through_the_index_is_the_same_part(tmp_path: Path, suffix: str) -> None:
    quotes = [Quote(START_MS + index * 100, 4000.0 + index % 7, 4000.5 + index % 7) for index in range(45_000)]
    plain = write_tape(tmp_path / "gold.csv", quotes)
    path = tmp_path / f"packed{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, "gold.csv")
    else:
        path.write_bytes(gzip.compress(plain.read_bytes()) if suffix == ".csv.gz" else plain.read_bytes())

    part = list(open_tape(path).quotes(quotes[39_000].epoch_ms, quotes[44_000].epoch_ms))

    assert part == quotes[39_000:44_000]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("banana,1,2", "three numbers"),
        (f"{START_MS + 5},4000.0", "three numbers"),
        (f"{START_MS + 5},4000.0,4000.2,9", "three numbers"),
        (f"{START_MS + 5},nan,4000.2", "finite number"),
        (f"{START_MS + 5},4000.0,inf", "finite number"),
        (f"{START_MS + 5},4001.0,4000.0", "bid 4001.0 is above ask 4000.0"),
        (f"{START_MS + 5},0,4000.0", "greater than zero"),
        (f"{START_MS + 5},-2,-1", "greater than zero"),
        (f"{START_MS - 7},4000.0,4000.2", "backwards by 7 ms"),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path: Path, row: str, reason: str) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(f"{START_MS},4000.0,4000.2\n{row}\n")

    with pytest.raises(TapeError, match=r"gold\.csv, line 2: ") as caught:
        open_tape(path)

    assert reason in str(caught.value)


def test_seconds_instead_of_milliseconds_are_told(tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_text("1780992000,4000.0,4000.2\n")

    with pytest.raises(TapeError, match="looks like seconds"):
        open_tape(path)


def test_a_broken_row_behind_the_index_keeps_its_line_number(tmp_path: Path) -> None:
    path = write_tape(tmp_path / "gold.csv", [Quote(START_MS + index, 4000.0, 4000.5) for index in range(25_000)])
    tape = open_tape(path)
    lines = path.read_text().splitlines()
    lines[24_500] = "x" * len(lines[24_500])
    path.write_text("\n".join(lines) + "\n")

    with pytest.raises(TapeError, match="line 24501"):
        list(tape.quotes(START_MS + 24_000))


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.csv", "no such tape"), ("notes.txt", "unknown kind of file"), (".", "holds no day of quotes")],
)
def test_a_wrong_path_says_what_would_be_right(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(TapeError, match=reason):
        open_tape(tmp_path / name)


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.zip", b"no zip"), ("a.csv.gz", b"no gzip")])
def test_an_empty_or_wrongly_packed_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(TapeError, match=r"holds no quote|cannot be unpacked"):
        open_tape(tmp_path / name)


def test_a_zip_with_two_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "")
        archive.writestr("b.csv", "")

    with pytest.raises(TapeError, match="holds 2 CSV files"):
        open_tape(tmp_path / "two.zip")


def test_a_folder_is_read_day_by_day_in_order(tmp_path: Path) -> None:
    _day_zip(tmp_path, "20260610", "5.9,4001.0,4001.5\n")
    _day_zip(tmp_path, "20260609", "1000.25,4000.0,4000.5\n86399999.9,4000.5,4001.0\n")

    tape = open_tape(tmp_path)

    assert [quote.epoch_ms - MIDNIGHT_MS for quote in tape.quotes()] == [1000, DAY_MS - 1, DAY_MS + 5]
    assert [quote.bid for quote in tape.quotes(MIDNIGHT_MS + DAY_MS)] == [4001.0]


def test_a_single_day_file_is_a_tape(tmp_path: Path) -> None:
    path = _day_zip(tmp_path, "20260609", "1000,4000.0,4000.5\n")

    assert list(open_tape(path).quotes()) == [Quote(MIDNIGHT_MS + 1000, 4000.0, 4000.5)]


def test_a_broken_day_in_the_middle_is_told_when_it_is_read(tmp_path: Path) -> None:
    for day in ("20260609", "20260611"):
        _day_zip(tmp_path, day, "1000,4000.0,4000.5\n")
    _day_zip(tmp_path, "20260610", "1000,4000.0,4000.5\n90000000,4000.0,4000.5\n")
    tape = open_tape(tmp_path)

    with pytest.raises(TapeError, match=r"20260610_quote\.zip: holds a quote after its day"):
        list(tape.quotes())


def test_recorded_gold_is_read_as_the_files_say() -> None:
    folder = shared_path("data/xauusd/tick")
    midnight = 1_399_161_600_000  # 2014-05-04
    with zipfile.ZipFile(folder / "20140504_quote.zip") as archive:
        rows = [row.split(b",") for row in archive.read(archive.namelist()[0]).splitlines()]

    quotes = list(open_tape(folder).quotes(midnight, midnight + DAY_MS))

    assert [tuple(quote) for quote in quotes] == [
        (midnight + int(float(moment)), float(bid), float(ask)) for moment, bid, ask in rows
    ]


def test_a_recorded_day_is_read_fast_enough() -> None:
    folder = shared_path("data/xauusd/tick")
    tape = open_tape(folder / "20140509_quote.zip")

    began = time.process_time()
    amount = sum(1 for _ in tape.quotes())
    rows_per_s = amount / (time.process_time() - began)

    assert rows_per_s > 150_000  # half of what is promised: the machine is shared
