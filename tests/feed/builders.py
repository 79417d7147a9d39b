"""Quotes, bars and moments for tests of the feed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from services.feed.domain.quotes import Bar, Quote

NOON_MS = 1_767_614_400_000
"""2026-01-05 12:00:00 UTC, a Monday on which gold trades."""


def ms(text: str) -> int:
    """Read an ISO moment, UTC, as milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def a_quote(at_s: float = 0.0, price: float = 4000.0, *, spread: float = 0.3, is_backfilled: bool = False) -> Quote:
    """A quote `at_s` seconds after noon around a mid price."""
    if is_backfilled:
        spread = 0.0
    bid, ask = round(price - spread / 2, 3), round(price + spread / 2, 3)
    return Quote(NOON_MS + round(at_s * 1000), bid, ask, is_backfilled)


def a_bar(minute: int = 0, price: float = 4000.0) -> Bar:
    """A bar that opens `minute` minutes after noon."""
    return Bar(NOON_MS // 1000 + minute * 60, price, price + 1, price - 1, price + 0.5)


async def until(condition: Callable[[], object], *, deadline_s: float = 60.0) -> None:
    """Wait until something is so; fails at the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # what is waited for lies in another process or has no event
            await asyncio.sleep(0.005)
