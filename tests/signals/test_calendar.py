"""The calendar file."""

from pathlib import Path

import pytest

from chassis.errors import StartError
from services.signals.adapters.csv_calendar import read_calendar
from services.signals.domain.protections import News


def test_events_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_text("Time,Subject\n1970-01-01T01:00,NFP\n\n1970-01-01T02:00+02:00,CPI\n")

    assert read_calendar(path) == (News(0, "CPI"), News(3600, "NFP"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-03-06\n", "line 1: has 1 fields; a row must be time,subject"),
        ("time,subject\nsoon,NFP\n", "line 2: time 'soon' must be a moment such as"),
    ],
)
def test_a_wrong_row_is_told_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "news.csv"
    path.write_text(text)

    with pytest.raises(StartError, match=f"SINYAL_SIGNALS_NEWS: .*{said}"):
        read_calendar(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"SINYAL_SIGNALS_NEWS: .*none.csv cannot be read"):
        read_calendar(tmp_path / "none.csv")
