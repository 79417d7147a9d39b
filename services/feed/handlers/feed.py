"""The feed for ever: connect, run, wait, connect again."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.errors import TransientError
from chassis.health import Check
from contracts.messages import FeedState
from services.feed.domain.reconnect import Backoff, Breaker
from services.feed.handlers.connection import BacklogLostError, Connection, Means
from services.feed.handlers.resume import read_resume
from services.feed.handlers.symbol_feed import SymbolFeed
from services.feed.ports import WrongVenueError

logger = structlog.get_logger()


class Feed:
    """All symbols of one venue. `feeds` are by our symbol."""

    def __init__(
        self,
        means: Means,
        feeds: dict[str, SymbolFeed],
        *,
        bus: Bus,
        clock: Clock,
        backoff: Backoff,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._means = means
        self._feeds = feeds
        self._bus = bus
        self._clock = clock
        self._backoff = backoff
        self._breaker = Breaker(rest_s=backoff.most_s / 2)
        metrics.BREAKER_OPEN.labels(means.venue.name).set(False)
        self._chance = chance
        self._is_resumed = False
        self._is_right = False
        self._is_down = False
        self._is_reached = False

    async def run(self) -> None:
        """Keep the venue connected until cancelled.

        Raises:
            WrongVenueError: it was never the right venue; once it was, this too is only a lost connection.
        """
        while True:
            self._is_reached = False
            lived_s = await self._live_once()
            if self._is_resumed and not self._is_reached:  # without resuming it was the broker that was away
                self._note_try(is_reached=False)
            await asyncio.sleep(self._breaker.at_least(self._backoff.next_delay_s(lived_s, self._chance())))

    def _greet(self) -> None:
        self._is_reached = True
        self._note_try(is_reached=True)

    def _note_try(self, *, is_reached: bool) -> None:
        if self._breaker.note(is_reached=is_reached):
            name, is_open = self._means.venue.name, self._breaker.is_open
            metrics.BREAKER_OPEN.labels(name).set(is_open)
            logger.warning("breaker.opened" if is_open else "breaker.closed", venue=name)

    def stop(self) -> None:
        """Say that nothing more will come."""
        for feed in self._feeds.values():
            feed.lose("the feed was stopped")

    async def _live_once(self) -> float:
        """Run one connection to its end; return how long it was up (wall seconds)."""
        connected_at: float | None = None
        try:
            if not self._is_resumed:
                await self._resume()
            async with self._means.venue.connect() as session:
                connected_at = self._clock.monotonic()
                await self._run(Connection(session, self._feeds, self._means, self._greet))
        except WrongVenueError as e:
            if not self._is_right:
                raise
            self._lose(e)
        except TransientError as e:
            self._lose(e)
        return 0.0 if connected_at is None else self._clock.monotonic() - connected_at

    async def _run(self, connection: Connection) -> None:
        """Run a connection and tell of its end before it is closed, which may take a while. Raises what ended it."""
        try:
            await _alone(connection.run())
        except ExceptionGroup as group:
            error = _cause(group)
            if connection.is_greeted:
                self._is_right, self._is_down = True, False
            self._is_resumed = self._is_resumed and not isinstance(error, BacklogLostError)
            self._lose(error)
            raise error from group

    def _lose(self, error: Exception) -> None:
        """Tell that it is down: a line the first time, silence until it was up again."""
        if not self._is_down:
            metrics.VENUE_CONNECTS.labels(self._means.venue.name, "lost").inc()
            logger.warning("venue.lost", venue=self._means.venue.name, error=str(error))
        self._is_down = True
        for feed in self._feeds.values():
            feed.lose(str(error))

    async def _resume(self) -> None:
        """Read where to go on from the broker, whatever this process thought it had told."""
        if self._means.outlet.is_lost:
            await self._means.outlet.recover()
        for feed in self._feeds.values():
            feed.resume(await read_resume(self._bus, feed.symbol))
            feed.announce(feed.reason)
        self._is_resumed = True

    def check(self) -> Check:
        """Say whether every symbol is live, or closed as it should be."""
        troubled = [feed for feed in self._feeds.values() if feed.state not in (FeedState.LIVE, FeedState.CLOSED)]
        reasons = "; ".join(f"{feed.symbol} is {feed.state}: {feed.reason}" for feed in troubled)
        facts = {
            feed.symbol: {
                "state": feed.state,
                "since_ms": feed.since_ms,
                "silent_s": round(feed.silence_s, 1),
                "market_ms": self._means.market.now_ms(),
            }
            for feed in self._feeds.values()
        }
        return Check(not troubled, reasons, {**facts, **self._standing()})

    def _standing(self) -> dict[str, object]:
        return {"backlog": self._means.outlet.depth, "breaker_open": self._breaker.is_open}


async def _alone(work: Coroutine[Any, Any, None]) -> None:
    """Run work in a task of its own, to its end or ours.

    Up to Python 3.12 a TaskGroup forgets that it was cancelled when a child fails at that moment, and leaves a wrong
    count behind; in a task of its own that harms nobody, and a cancelled feed ends.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # whoever cancelled us does not ask for it
    task.result()


def _cause(group: ExceptionGroup[Exception]) -> Exception:
    """Find what ended a connection. Anything but a lost or wrong venue is a bug and stays loud."""
    known, bugs = group.split((TransientError, WrongVenueError))
    if bugs is not None:
        raise group
    assert known is not None
    leaves = list(_leaves(known))
    return next((leaf for leaf in leaves if isinstance(leaf, WrongVenueError | BacklogLostError)), leaves[0])


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
