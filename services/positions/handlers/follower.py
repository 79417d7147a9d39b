"""Follows the ticks of one symbol in memory: decides exits the moment a tick arrives, and never waits for anything.

What it decided lies in `exits` until a writer has stored it. That queue is bounded by the number of open positions:
each leaves the index once, and no new one opens while the database cannot store it.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import structlog

from chassis import metrics
from chassis.bus import Stored
from chassis.clock import Clock
from contracts.messages import ExitReason, Side, Tick
from services.positions.domain.exits import Exit, Price, crossed, exit_at
from services.positions.domain.instrument import Instrument
from services.positions.domain.levels import Followed, LevelIndex
from services.positions.ports import Mark

RECENT_S = 150.0
"""How long (wall) a tick is kept for positions stored after it came: more than twice a signal's validity."""
RECENT_LIMIT = 50_000
LATE_S = 5.0
"""A tick that lay in the stream for longer is late: somebody may have seen its price long ago."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PendingExit:
    """A decided exit that is not stored yet. `received_ms` is when the feed got the tick, 0 when it does not say."""

    position_id: str
    exit: Exit
    trace: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A tick that was followed."""

    sequence: int
    seen_s: float
    price: Price
    is_late: bool
    trace: str
    received_ms: int


class Follower:
    """The followed positions of one symbol, for one tenure."""

    def __init__(self, instrument: Instrument, clock: Clock, resume_from: Mark | None = None) -> None:
        self._instrument = instrument
        self._clock = clock
        self._started_at = clock.now()
        self._index = LevelIndex()
        self._recent: deque[Seen] = deque()
        self._forgotten_ms = -1
        self._last = (resume_from.rewind_epoch_ms - 1 if resume_from else -1, 0)
        self._exits: deque[PendingExit] = deque()
        self._pending: set[str] = set()
        self.exits_waiting = asyncio.Event()

    @property
    def open_count(self) -> int:
        """How many positions are followed."""
        return len(self._index)

    @property
    def exit_count(self) -> int:
        """How many exits are not stored yet."""
        return len(self._exits)

    @property
    def last_tick_s(self) -> float | None:
        """When (monotonic) the last tick was followed."""
        return self._recent[-1].seen_s if self._recent else None

    # --- ticks --------------------------------------------------------------------------------------------------------

    def on_tick(self, stored: Stored, tick: Tick) -> bool:
        """Follow a tick; False for one that is not newer than the last (a stream that began anew repeats some)."""
        place = (tick.epoch_ms, stored.sequence)
        if place <= self._last:
            return False
        self._last = place
        is_late = tick.backfilled or stored.stored_at < self._started_at
        price = Price(tick.epoch_ms, tick.bid, tick.ask)
        seen = Seen(stored.sequence, self._clock.monotonic(), price, is_late, tick.trace, tick.received_ms)
        self._remember(seen)
        crossings = self._index.cross(price)
        if crossings:
            is_late = is_late or (self._clock.now() - stored.stored_at).total_seconds() > LATE_S
        for crossing in crossings:
            end = self._exit(crossing.side, crossing.reason, crossing.level, price, is_late=is_late)
            self._decide(crossing.position_ids, end, seen)
        return True

    def _remember(self, seen: Seen) -> None:
        self._recent.append(seen)
        while len(self._recent) > RECENT_LIMIT or self._recent[0].seen_s < seen.seen_s - RECENT_S:
            self._forgotten_ms = self._recent.popleft().price.epoch_ms

    def _exit(self, side: Side, reason: ExitReason, level: float, price: Price, *, is_late: bool) -> Exit:
        return exit_at(self._instrument, side, reason=reason, level=level, price=price, detected_late=is_late)

    def _decide(self, position_ids: Iterable[str], end: Exit, seen: Seen) -> None:
        for position_id in position_ids:
            self._pending.add(position_id)
            self._exits.append(PendingExit(position_id, end, seen.trace, seen.received_ms))
        self.exits_waiting.set()

    # --- positions ----------------------------------------------------------------------------------------------------

    def follow(self, positions: Iterable[Followed]) -> None:
        """Follow positions, and let the ticks that came since each was opened cross it first. Known ones are left."""
        memo: dict[tuple[Side, float, float, int], tuple[Exit, Seen] | None] = {}
        for one in positions:
            if one.position_id in self._index or one.position_id in self._pending:
                continue
            terms = (one.side, one.stop, one.target, one.in_force_ms)
            if terms not in memo:
                memo[terms] = self._missed(one)
            missed = memo[terms]
            if missed is None:
                self._index.add(one)
            else:
                self._decide([one.position_id], *missed)
        metrics.OPEN_POSITIONS.labels(self._instrument.symbol).set(len(self._index))

    def forget(self, position_id: str) -> None:
        """Follow a position no more: it is void."""
        self._index.remove(position_id)

    def _missed(self, one: Followed) -> tuple[Exit, Seen] | None:
        """Find the first remembered tick later than the position that crosses it."""
        if one.in_force_ms < self._forgotten_ms:
            logger.warning("tick.forgotten", symbol=self._instrument.symbol, position_id=one.position_id)
        for seen in self._recent:
            if seen.price.epoch_ms <= one.in_force_ms:
                continue
            reason = crossed(one.side, stop=one.stop, target=one.target, price=seen.price)
            if reason is not None:
                level = one.target if reason is ExitReason.TARGET else one.stop
                return self._exit(one.side, reason, level, seen.price, is_late=seen.is_late), seen
        return None

    # --- what is to be stored -----------------------------------------------------------------------------------------

    def batch(self, limit: int) -> tuple[list[PendingExit], Mark | None]:
        """Show the oldest exits that are not stored, and the mark to store with them; None while more exits wait."""
        exits = list(islice(self._exits, limit))
        return exits, self._mark() if len(exits) == len(self._exits) else None

    def stored(self, count: int) -> None:
        """Let go of the oldest `count` exits: they are stored."""
        for _ in range(count):
            self._pending.discard(self._exits.popleft().position_id)
        if not self._exits:
            self.exits_waiting.clear()
        metrics.OPEN_POSITIONS.labels(self._instrument.symbol).set(len(self._index))

    def _mark(self) -> Mark | None:
        if not self._recent:
            return None
        first, last = self._recent[0], self._recent[-1]
        return Mark(last.sequence, last.price.epoch_ms, first.sequence, first.price.epoch_ms)
