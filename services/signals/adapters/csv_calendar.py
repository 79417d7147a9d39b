"""The calendar of events from a CSV file."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from chassis.errors import StartError
from services.signals.domain.protections import News

COLUMNS = ["time", "subject"]


SETTING = "SINYAL_SIGNALS_NEWS"


def read_calendar(path: Path, asked_by: str = SETTING) -> tuple[News, ...]:
    """Return the events of a file in the order of time; rows are an ISO moment, UTC unless it says so, and words.

    Raises StartError naming `asked_by`, the file, the line and what would be right.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return tuple(sorted(_events(asked_by, path, file), key=lambda news: news.at_s))
    except (OSError, UnicodeDecodeError) as e:
        raise StartError(f"{asked_by}: {path} cannot be read ({e}); give a CSV file of time,subject") from e


def _events(asked_by: str, path: Path, lines: Iterator[str]) -> Iterator[News]:
    reader = csv.reader(lines)
    for row in reader:
        texts = [text.strip() for text in row]
        is_header = reader.line_num == 1 and [text.lower() for text in texts] == COLUMNS
        if any(texts) and not is_header:
            yield _event(f"{asked_by}: {path}, line {reader.line_num}", texts)


def _event(where: str, texts: list[str]) -> News:
    if len(texts) != len(COLUMNS):
        raise StartError(f"{where}: has {len(texts)} fields; a row must be time,subject")
    try:
        at = datetime.fromisoformat(texts[0])
    except ValueError as e:
        raise StartError(f"{where}: time {texts[0]!r} must be a moment such as 2026-03-06T13:30") from e
    return News(round((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp()), texts[1])
