"""Asking the venue for what is missing: at every connection, after every pause, before the clock closes a candle.

History first, then subscribe, then history again for what happened in between: a venue with a closed market refuses to
do both at once. Whatever is asked twice is recognised by its time.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

import structlog

from chassis.clock import MarketClock
from services.feed.domain.backfill import Minute, Reach, minutes, plan
from services.feed.domain.quotes import Bar
from services.feed.domain.state import Happening
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.symbol_feed import SymbolFeed
from services.feed.ports import MarketClosedError, VenueLostError, VenueRefusedError, VenueSession

T = TypeVar("T")

REFUSALS_BELIEVED = 3
"""History refused this often, each time on a new connection, cannot be had."""

LONGEST_NAP_S = 60.0
SHORTEST_NAP_S = 0.5
DOUBTFUL_NAP_S = 5.0
"""How long to wait where the calendar says open and the venue says closed (wall seconds)."""

logger = structlog.get_logger()


class Recovery:
    """Makes one symbol whole over one connection."""

    def __init__(
        self, feed: SymbolFeed, session: VenueSession, *, market: MarketClock, reach: Reach, outlet: Outlet
    ) -> None:
        self._feed = feed
        self._session = session
        self._market = market
        self._reach = reach
        self._outlet = outlet

    async def run(self) -> None:
        """Catch up, go live, and repair whenever it is wanted; for ever. Raises VenueLostError."""
        self._feed.hold()
        await self._catch_up()
        await self._subscribe()
        await self._repair(is_first=True)
        self._feed.await_quote()
        self._feed.refusals = 0
        while True:
            await self._feed.repair_wanted.wait()
            self._feed.repair_wanted.clear()
            await self._repair(is_first=False)

    async def _catch_up(self) -> None:
        feed, now_ms = self._feed, self._market.now_ms()
        todo = plan(now_ms, feed.held, self._reach)
        feed.happen(Happening.FILLING, "asking for history")
        bars: Sequence[Bar] = ()
        if todo.bars_from_s is not None and feed.held.folded_ms is not None:
            feed.leave_out(feed.held.told_ms, todo.tell_from_ms, "too old for its ticks: told by candles only")
        if todo.bars_from_s is not None:
            asked = self._session.history_bars(feed.symbol, from_s=todo.bars_from_s, count=todo.bars_count)
            bars = await self._history(asked, now_ms)
        quotes = await self._history(self._session.history_quotes(feed.symbol, from_ms=todo.quotes_from_ms), now_ms)
        from_ms = feed.held.folded_ms or 0
        found = minutes(bars, quotes, from_ms=from_ms, now_ms=now_ms, count=todo.bars_count)
        await self._fill(found, todo.tell_from_ms)
        feed.settle(now_ms)

    async def _fill(self, found: Iterable[Minute], tell_from_ms: int) -> None:
        """Tell history no faster than the broker takes it; live quotes wait anyway."""
        for minute in found:
            self._feed.fill((minute,), tell_from_ms)
            await self._outlet.has_room()

    async def _subscribe(self) -> None:
        while True:
            try:
                await self._session.subscribe(self._feed.symbol)
            except MarketClosedError:
                self._feed.happen(Happening.SHUT, "market closed")
                await self._until_open()
            except VenueRefusedError as e:
                raise VenueLostError(f"{self._feed.symbol} cannot be subscribed: {e}") from e
            else:
                return

    async def _until_open(self) -> None:
        now_ms = self._market.now_ms()
        opens_ms = self._feed.calendar.next_open_ms(now_ms)
        if opens_ms == now_ms:
            nap_s = DOUBTFUL_NAP_S
        elif opens_ms is None:
            nap_s = LONGEST_NAP_S
        else:
            nap_s = min(LONGEST_NAP_S, max(SHORTEST_NAP_S, self._market.wall_s((opens_ms - now_ms) / 1000)))
        await asyncio.sleep(nap_s)

    async def _repair(self, *, is_first: bool) -> None:
        """Ask what happened since the last quote, and let live quotes flow behind it."""
        feed, now_ms = self._feed, self._market.now_ms()
        from_ms = feed.held.folded_ms or now_ms
        quotes = await self._history(self._session.history_quotes(feed.symbol, from_ms=from_ms), now_ms)
        before_ms = feed.first_waiting_ms()
        missing = [quote for quote in quotes if before_ms is None or quote.epoch_ms < before_ms]
        if missing and not feed.is_fresh(missing[0].epoch_ms, now_ms):
            if before_ms is None and not is_first:
                raise VenueLostError(f"the history of {feed.symbol} goes on and its stream does not")
            feed.happen(Happening.FILLING, "quotes were missing")
        await self._fill(minutes((), missing, from_ms=from_ms, now_ms=now_ms, count=0), from_ms)
        if missing and before_ms is None:
            feed.doubt()
        feed.release(now_ms)

    async def _history(self, asked: Awaitable[Sequence[T]], now_ms: int) -> Sequence[T]:
        """Await an answer of the venue; what it refuses again and again is told as a hole."""
        feed = self._feed
        try:
            return await asked
        except VenueRefusedError as e:
            feed.refusals += 1
            if feed.refusals < REFUSALS_BELIEVED:
                raise VenueLostError(f"history of {feed.symbol} refused: {e}") from e
            logger.warning("history.refused", symbol=feed.symbol, error=str(e))
            feed.give_up(now_ms, e.code)
            return ()
