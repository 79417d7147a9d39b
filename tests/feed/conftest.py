"""Fixtures of the feed's tests, and what they share: a day of a tape is made into a sheet once, not once a test."""

from collections.abc import Iterator
from functools import lru_cache

import pytest

from sandbox.exchange.book import Book
from sandbox.exchange.day_sheet import DaySheet
from sandbox.exchange.quotes import DAY_MS, Tape
from sandbox.exchange.sessions import Session, sessions_between
from tests.servers import nats, nats_server, own_nats_server

__all__ = ["nats", "nats_server", "own_nats_server"]

KEPT_SHEETS = 24


@lru_cache(maxsize=KEPT_SHEETS)
def _sheet(tape: Tape, day: int, decimals: int, _: tuple[Session, ...]) -> DaySheet:
    """Make a sheet; nothing ever changes one. A test may shorten a session: that is another day."""
    return DaySheet(tape.quotes(day * DAY_MS, (day + 1) * DAY_MS), decimals)


@pytest.fixture(autouse=True, scope="session")
def _sheets_are_made_once() -> Iterator[None]:
    def make(book: Book, day: int) -> DaySheet:
        sessions = tuple(sessions_between(day * DAY_MS, (day + 1) * DAY_MS))
        return _sheet(book._tape, day, book._decimals, sessions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Book, "_make", make)
        yield
