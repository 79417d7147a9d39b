"""Real gold: minutes folded by us equal the minutes another house folded from the same quotes."""

import zipfile
from functools import lru_cache
from pathlib import Path

import pytest

from cli.candles import fold_tape
from contracts.messages import Interval
from sandbox.exchange.tape import Quote, open_tape
from tests.shared import shared_path

DAYS = ["20140501", "20140502", "20140504", "20140507"]


def published_minutes(path: Path, side: str) -> list[tuple[int, float, float, float, float]]:
    """Rows of the published file: seconds of the day, open, high, low, close of one side."""
    with zipfile.ZipFile(path) as archive:
        rows = [line.split(",") for line in archive.read(archive.namelist()[0]).decode().split()]
    first = 1 if side == "bid" else 6
    return [(int(row[0]) // 1000, *map(float, row[first : first + 4])) for row in rows]


@lru_cache(maxsize=1)
def quotes_of(day: str) -> tuple[int, list[Quote]]:
    """Read a day once for both sides: its first millisecond, and its quotes."""
    tape = open_tape(shared_path("data/xauusd/tick"))
    start_ms = tape.start_ms // 86_400_000 * 86_400_000 + (int(day) - 20140501) * 86_400_000
    return start_ms, list(tape.quotes(start_ms, start_ms + 86_400_000))


@pytest.mark.parametrize("side", ["bid", "ask"])
@pytest.mark.parametrize("day", DAYS)
def test_minutes_of_a_real_day_equal_the_published_ones_exactly(day, side) -> None:
    expected = published_minutes(shared_path(f"data/xauusd/minute/{day}_quote.zip"), side)
    start_ms, quotes = quotes_of(day)

    candles = fold_tape(iter(quotes), Interval.M1, side)

    assert [(c.open_s - start_ms // 1000, c.open, c.high, c.low, c.close) for c in candles] == expected
