"""History of a venue, window by window, through the feed's own connection and within its request budget."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from contracts.messages import Interval
from services.feed.adapters.deriv_budget import RequestBudget
from services.feed.adapters.deriv_dialects import Dialect
from services.feed.adapters.deriv_frames import Frame
from services.feed.adapters.deriv_link import DerivLink, open_link
from services.feed.adapters.deriv_venue import PAGE, DerivSession
from services.feed.domain.quotes import Bar
from services.feed.ports import VenueLostError, VenueRefusedError

TRIES = 3


class History:
    """One connection that is asked for candles."""

    def __init__(self, link: DerivLink, session: DerivSession, budget: RequestBudget) -> None:
        """Ask over a link that is read elsewhere; `session` speaks over the same."""
        self._link = link
        self._session = session
        self._budget = budget

    async def check(self) -> None:
        """Find out whether the venue speaks our dialect and lists the symbol. Raises WrongVenueError."""
        await self._session.check()

    async def now_s(self) -> int:
        """Ask for the venue's time."""
        return await self._session.market_ms() // 1000

    async def bars(self, venue_symbol: str, interval: Interval, from_s: int, to_s: int) -> Sequence[Bar]:
        """Ask for the candles that open in [from_s, to_s), at most a page's length, oldest first.

        How many come at once is the venue's choice: what is missing at the beginning is asked for until nothing new
        comes. Raises VenueRefusedError, VenueLostError.
        """
        found: dict[int, Bar] = {}
        end_s = to_s - 1
        while end_s >= from_s:
            call = {"ticks_history": venue_symbol, "style": "candles", "granularity": interval.seconds}
            frame = await self._call({**call, "start": from_s, "end": str(end_s), "count": PAGE})
            page = {
                c.epoch: Bar(c.epoch, c.open, c.high, c.low, c.close)
                for c in frame.candles or ()
                if from_s <= c.epoch <= end_s and c.epoch % interval.seconds == 0
            }
            if not page:
                break
            found |= page
            end_s = min(page) - 1
        return [found[open_s] for open_s in sorted(found)]

    async def _call(self, call: dict[str, Any]) -> Frame:
        for _ in range(TRIES):
            async with self._budget.slot():
                try:
                    return await self._link.request(call)
                except VenueRefusedError as e:
                    if e.code != "RateLimit":
                        raise
                    self._budget.hold()
        raise VenueLostError("the venue's rate limit does not end")


@asynccontextmanager
async def open_history(dialect: Dialect, url: str, symbol: str, venue_symbol: str) -> AsyncIterator[History]:
    """Connect, and read the connection while the context is open. Raises VenueLostError, WrongVenueError."""
    async with open_link(url) as link:
        budget = RequestBudget()
        session = DerivSession(link, dialect, {symbol: venue_symbol}, budget)
        reader = asyncio.ensure_future(_drain(session))
        try:
            yield History(link, session, budget)
        finally:
            reader.cancel()
            await asyncio.wait({reader})


async def _drain(session: DerivSession) -> None:
    """Read until the connection ends, which every question over it learns."""
    with contextlib.suppress(VenueLostError):
        async for _ in session.quotes():
            pass
