"""Follows the ticks of one symbol in memory: decides the moment a tick arrives, and never waits for anything.

What it decided lies here until a writer has stored it. That is bounded by the number of open positions: each leaves
the index once, reaches each of its targets once, and no new one opens while the database cannot store it.

Moves of stops are stored late, at most once in `MOVES_EVERY_S` per position: what is stored is where the stop is then,
in force for later ticks. A restart reads ticks again from further back than that, and works out the moves anew.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import structlog

from chassis import metrics
from chassis.bus import Stored
from chassis.clock import Clock
from contracts.messages import ExitReason, Side, Tick
from services.positions.domain.calm import CALM_TICKS, Pause, begins_pause, calm_ticks
from services.positions.domain.course import Followed, Happening, StopMoved, Stopped, TargetReached, after, step
from services.positions.domain.exits import Exit, Price, exit_at
from services.positions.domain.instrument import Instrument
from services.positions.domain.levels import Crossing, LevelIndex, Standing
from services.positions.handlers.pending import Batch, PendingExit, PendingMove, Seen
from services.positions.ports import Mark

RECENT_S = 150.0
"""How long (wall) a tick is kept for positions stored after it came: more than twice a signal's validity."""
RECENT_LIMIT = 50_000
LATE_S = 5.0
"""A tick that lay in the stream for longer is late: somebody may have seen its price long ago."""
MOVES_EVERY_S = 30.0
"""A subscriber is told of moves of his stop no more often (wall)."""
REWIND_STEP_S = 1.0

logger = structlog.get_logger()


Event = tuple[Happening, Standing | None, Seen]
"""What a tick did to a position, where its stop is behind that (None: it ended), and the tick."""
Story = tuple[list[Event], Followed | None]
"""What ticks did to a position before it was known, and how it stands; None: ended."""


class Follower:
    """The followed positions of one symbol, for one tenure."""

    def __init__(
        self, instrument: Instrument, clock: Clock, resume_from: Mark | None = None, pause: Pause | None = None
    ) -> None:
        self._instrument = instrument
        self._clock = clock
        self._started_at = clock.now()
        self._started_s = clock.monotonic()
        self._index = LevelIndex()
        self._recent: deque[Seen] = deque()
        self._rewind: deque[Seen] = deque()
        self._forgotten_ms = -1
        self._last = (resume_from.rewind_epoch_ms - 1 if resume_from else -1, 0)
        self._exits: deque[PendingExit] = deque()
        self._pending: dict[str, int] = {}
        self._moved: dict[str, None] = {}
        self._told_s: dict[str, float] = {}
        self._pause = pause
        self._calm_ticks = 0
        self._pauses: deque[Pause] = deque()
        self.exits_waiting = asyncio.Event()
        self.exits_stored = asyncio.Event()
        self.exits_stored.set()
        self.read_sequence = 0
        """Up to where the stream was read and all that its ticks do was decided."""

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

    def standing(self, position_id: str) -> Standing | None:
        """Tell where the stop of a position is now; None for one that is not followed here."""
        return self._index.standing(position_id)

    # --- ticks --------------------------------------------------------------------------------------------------------

    def on_tick(self, stored: Stored, tick: Tick) -> bool:
        """Follow a tick; False for one that is not newer than the last (a stream that began anew repeats some)."""
        is_newer = self._follow_tick(stored, tick)
        self.read_sequence = stored.sequence
        return is_newer

    def _follow_tick(self, stored: Stored, tick: Tick) -> bool:
        place = (tick.epoch_ms, stored.sequence)
        if place <= self._last:
            return False
        self._last = place
        is_late = tick.backfilled or stored.stored_at < self._started_at
        price = Price(tick.epoch_ms, tick.bid, tick.ask)
        seen = Seen(stored.sequence, self._clock.monotonic(), price, is_late, tick.trace, tick.received_ms)
        self._remember(seen)
        self._calm_down(price)
        crossings = self._index.cross(price)
        if crossings:
            is_late = is_late or (self._clock.now() - stored.stored_at).total_seconds() > LATE_S
        for crossing in crossings:
            end = self._exit(crossing.side, crossing.reason, crossing.level, price, is_late=is_late)
            self._decide(crossing, end, seen)
        return True

    def _remember(self, seen: Seen) -> None:
        self._recent.append(seen)
        while len(self._recent) > RECENT_LIMIT or self._recent[0].seen_s < seen.seen_s - RECENT_S:
            self._forgotten_ms = self._recent.popleft().price.epoch_ms
        if not self._rewind or seen.seen_s - self._rewind[-1].seen_s >= REWIND_STEP_S:
            self._rewind.append(seen)
        while self._rewind[0].seen_s < seen.seen_s - RECENT_S:
            self._rewind.popleft()

    def _exit(self, side: Side, reason: ExitReason, level: float, price: Price, *, is_late: bool) -> Exit:
        return exit_at(self._instrument, side, reason=reason, level=level, price=price, detected_late=is_late)

    def _decide(self, crossing: Crossing, end: Exit, seen: Seen) -> None:
        """Put what a tick decided into the queue. The index knows already how each that goes on stands."""
        for position_id in crossing.position_ids:
            standing = None if crossing.is_last else self._index.standing(position_id)
            self._queue(
                PendingExit(position_id, end, seen.trace, seen.received_ms, is_last=crossing.is_last, standing=standing)
            )

    def _queue(self, one: PendingExit) -> None:
        self._pending[one.position_id] = self._pending.get(one.position_id, 0) + 1
        self._exits.append(one)
        if one.is_last:
            self._told_s.pop(one.position_id, None)
        else:  # the part's own message says where the stop of the rest is
            self._told_s[one.position_id] = self._clock.monotonic()
        if begins_pause(one.exit):
            self._be_alarmed(one.exit)
        self.exits_waiting.set()
        self.exits_stored.clear()

    def _be_alarmed(self, end: Exit) -> None:
        self._calm_ticks = 0
        if self._pause is None:
            self._pause = Pause(end.closed_ms, end.slippage_pips)
            self._pauses.append(self._pause)

    def _calm_down(self, price: Price) -> None:
        """Count towards the end of a pause."""
        if self._pause is None or price.epoch_ms <= self._pause.since_ms:
            return
        self._calm_ticks = calm_ticks(self._instrument, price, self._calm_ticks)
        if self._calm_ticks >= CALM_TICKS:
            self._pauses.append(replace(self._pause, until_ms=price.epoch_ms))
            self._pause = None
            self.exits_waiting.set()

    # --- positions ----------------------------------------------------------------------------------------------------

    def follow(self, positions: Iterable[Followed]) -> None:
        """Follow positions, and let the ticks that came since each was opened have their effect first. Known ones are
        left.
        """
        memo: dict[Followed, Story] = {}
        for one in positions:
            if one.position_id in self._index or one.position_id in self._pending:
                continue
            terms = replace(one, position_id="")
            if terms not in memo:
                memo[terms] = self._missed(one)
            self._catch_up(one, *memo[terms])
        metrics.OPEN_POSITIONS.labels(self._instrument.symbol).set(len(self._index))

    def forget(self, position_id: str) -> None:
        """Follow a position no more: it is void."""
        self._index.remove(position_id)
        self._told_s.pop(position_id, None)

    def _missed(self, one: Followed) -> Story:
        """Work out what the remembered ticks later than the position do to it."""
        if one.in_force_ms < self._forgotten_ms:
            logger.warning("tick.forgotten", symbol=self._instrument.symbol, position_id=one.position_id)
        story: list[Event] = []
        left: Followed | None = one
        for seen in self._since(one.in_force_ms):
            if left is None:
                break
            happenings = step(left, seen.price)
            left = after(left, happenings)
            standing = None if left is None else Standing(left.stop, left.stop_reason)
            story += [(happening, standing, seen) for happening in happenings]
        return story, left

    def _since(self, epoch_ms: int) -> Iterator[Seen]:
        return (seen for seen in self._recent if seen.price.epoch_ms > epoch_ms)

    def _catch_up(self, one: Followed, story: Sequence[Event], left: Followed | None) -> None:
        for happening, standing, seen in story:
            if isinstance(happening, StopMoved):
                self._moved[one.position_id] = None
                continue
            reason = _reason(happening)
            end = self._exit(one.side, reason, happening.level, seen.price, is_late=seen.is_late)
            is_last = not isinstance(happening, TargetReached) or happening.is_last
            self._queue(
                PendingExit(one.position_id, end, seen.trace, seen.received_ms, is_last=is_last, standing=standing)
            )
        if left is None:
            self._moved.pop(one.position_id, None)
        else:
            in_force_ms = self._recent[-1].price.epoch_ms if self._recent else one.in_force_ms
            self._index.add(replace(left, position_id=one.position_id, in_force_ms=max(one.in_force_ms, in_force_ms)))

    # --- what is to be stored -----------------------------------------------------------------------------------------

    def batch(self, limit: int) -> Batch:
        """Show the oldest of what is not stored, and the mark to store with it."""
        exits = list(islice(self._exits, limit))
        is_all = len(exits) == len(self._exits)
        moves = self._due_moves(limit - len(exits)) if is_all else []
        return Batch(exits, moves, list(self._pauses), self._mark() if is_all and len(moves) < limit else None)

    def stored(self, batch: Batch) -> None:
        """Let go of a batch: it is stored."""
        for one in batch.exits:
            self._exits.popleft()
            self._pending[one.position_id] -= 1
            if not self._pending[one.position_id]:
                del self._pending[one.position_id]
        now_s = self._clock.monotonic()
        for move in batch.moves:
            self._told_s[move.position_id] = now_s
            if self._index.standing(move.position_id) == move.standing:
                self._moved.pop(move.position_id, None)
        for _ in batch.pauses:
            self._pauses.popleft()
        if not self._exits:
            self.exits_stored.set()
        if not self._exits and not self._pauses:
            self.exits_waiting.clear()
        metrics.OPEN_POSITIONS.labels(self._instrument.symbol).set(len(self._index))

    def _due_moves(self, limit: int) -> list[PendingMove]:
        """List moved stops whose owners may be told again. Who was followed when this tenure began may have been told
        just before.
        """
        self._moved.update(dict.fromkeys(self._index.take_moved()))
        before_s = self._clock.monotonic() - MOVES_EVERY_S
        found: list[PendingMove] = []
        for position_id in list(self._moved):
            standing = self._index.standing(position_id)
            if standing is None:
                del self._moved[position_id]
            elif self._told_s.get(position_id, -math.inf) <= before_s and len(found) < limit:
                found.append(PendingMove(position_id, standing, self._last[0]))
        return found

    def begin_telling(self) -> None:
        """Take it that everybody who is followed now was told of his stop just before."""
        self._told_s.update(dict.fromkeys(self._index.ids(), self._clock.monotonic()))

    def _mark(self) -> Mark | None:
        if not self._recent:
            return None
        first, last = self._rewind[0], self._recent[-1]
        return Mark(last.sequence, last.price.epoch_ms, first.sequence, first.price.epoch_ms)


def _reason(happening: Happening) -> ExitReason:
    match happening:
        case TargetReached():
            return ExitReason.TARGET
        case Stopped(reason=reason):
            return reason
        case _:
            return ExitReason.TIME
