"""Positions open, are reduced, end, or never were: what deliveries and ticks do to them, stored together with what is
told.

Deliveries and ticks meet in the row: whoever comes second finds what the first one left, and `domain.history` says
what is left to do. What happened to a position before its signal arrived is told when it has arrived.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from chassis import metrics
from chassis.bus import Outgoing, Stored
from chassis.errors import RejectedError
from chassis.trace import child_trace, new_trace
from contracts import catalogue
from contracts.messages import DeliverySettled, DeliveryState, SendClass
from services.positions.domain import notices
from services.positions.domain.calm import STOPS
from services.positions.domain.day import DayTotal, day_of
from services.positions.domain.history import Arrived, Ended, Happened, Lost, Moved, Reduced, at_ms, happen
from services.positions.domain.holding import Closing, Holding, close, part
from services.positions.domain.instrument import Instrument
from services.positions.domain.life import Fact
from services.positions.handlers.ground import Ground
from services.positions.handlers.isolation import in_parts
from services.positions.handlers.pausing import Pausing
from services.positions.handlers.pending import Batch, PendingExit, PendingMove
from services.positions.handlers.telling import Telling
from services.positions.ports import Change, Chapter, Work

ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.UNKNOWN})
"""An unknown delivery may have been read: its trade counts, and the row keeps that it was unknown."""

NEVER_SETTLED = "never_settled"
SWEPT = 200
"""Proposals voided in one transaction."""

Pending = PendingExit | PendingMove
Seen = Pending | Happened

logger = structlog.get_logger()


class Ending:
    """Takes positions from their proposal to their end."""

    def __init__(self, ground: Ground, pausing: Pausing) -> None:
        self._ground = ground
        self._pausing = pausing
        self._telling = Telling(ground)

    # --- deliveries ---------------------------------------------------------------------------------------------------

    async def on_delivery(self, settled: DeliverySettled, _stored: Stored) -> None:
        """Open a position whose message arrived, void one whose message never will. Most deliveries, those of answers
        and pictures, change nothing here: they cost no transaction and leave no row.
        """
        position_id = settled.position_id if settled.kind is SendClass.SIGNAL else None
        if position_id is None and not settled.deactivate:
            return
        async with self._ground.store.work() as work:
            if not await work.is_first_time(catalogue.POSITIONS_DELIVERIES.name, settled.id):
                return
            if settled.deactivate:
                await work.subscribers.deactivate(settled.subscriber_id, settled.reason, settled.at)
            if position_id is not None:
                await self._settle(work, settled, position_id)

    async def _settle(self, work: Work, settled: DeliverySettled, position_id: str) -> None:
        holding = next(iter(await work.positions.lock([position_id])), None)
        if holding is None or holding.subscriber_id != settled.subscriber_id:
            logger.warning("delivery.unmatched", position_id=position_id, send_id=settled.send_id)
            return
        happened: Happened = Lost(settled.state, settled.reason or settled.state.value)
        if settled.state in ARRIVED:
            happened = Arrived(settled.state)
        await self.write(work, [(holding, [happened])], settled.trace)

    async def void_unsettled(self, expired_before: datetime) -> int:
        """Void what nobody will tell us of any more: its message expired long ago. Returns how many, at most SWEPT."""
        async with self._ground.store.work() as work:
            found = await work.positions.unsettled(expired_before, limit=SWEPT)
            locked = await work.positions.lock(found)
            await self.write(work, [(holding, [Lost(None, NEVER_SETTLED)]) for holding in locked], new_trace())
        return len(found)

    # --- ticks --------------------------------------------------------------------------------------------------------

    async def store(self, symbol: str, tenure: int, batch: Batch) -> None:
        """Store what ticks decided, in one transaction with how far they were followed.

        Raises:
            TenureOverError: another copy follows the symbol; nothing was stored.
        """
        async with self._ground.store.work() as work:

            async def write(some: Sequence[Pending]) -> None:
                await self._write_ticks(work, some)

            decided: list[Pending] = [*batch.exits, *batch.moves]
            await in_parts(work, decided, write, _give_up)
            for pause in batch.pauses:
                await self._pausing.store(work, symbol, pause)
            if batch.mark is not None:
                await work.progress.save(symbol, tenure, batch.mark)
        for one in batch.exits:
            self._measure(one)

    async def _write_ticks(self, work: Work, some: Sequence[Pending]) -> None:
        pending: dict[str, list[Pending]] = defaultdict(list)
        for one in some:
            pending[one.position_id].append(one)
        stories = [(holding, pending[holding.position_id]) for holding in await work.positions.lock(list(pending))]
        trace = next((one.trace for one in some if isinstance(one, PendingExit)), None) or new_trace()
        await self.write(work, stories, trace)

    # --- both ---------------------------------------------------------------------------------------------------------

    async def write(self, work: Work, stories: Sequence[tuple[Holding, Sequence[Seen]]], trace: str) -> None:
        """Store what happened to positions as far as it counts, and tell of it."""
        at = self._ground.clock.now()
        told = [one for one in (self._told(holding, seen) for holding, seen in stories) if one[0].happened]
        await work.positions.save([chapter for chapter, _ in told], at)
        closings = [chapter.closing for chapter, _ in told if chapter.closing is not None]
        days = await self._days(work, closings)
        messages: list[Outgoing] = []
        for chapter, facts in told:
            messages += self._telling.messages(chapter, facts, days, notices.Stamp(at, child_trace(trace)))
            if Fact.VOIDED in facts:
                await work.announce(Change(chapter.after.symbol, voided_id=chapter.after.position_id))
        await work.say(messages)
        _count(closings, [fact for _, facts in told for fact in facts])

    def _told(self, holding: Holding, seen: Sequence[Seen]) -> tuple[Chapter, list[Fact]]:
        """Fold into a position what was seen of it."""
        before, instrument = holding, self._ground.instruments[holding.symbol]
        counted: list[Happened] = []
        facts: list[Fact] = []
        for one in seen:
            for happened in happenings_of(holding, instrument, one):
                told = happen(holding, happened)
                if told.holding is not holding:
                    counted.append(happened)
                    facts += told.facts
                holding = told.holding
        closing = close(holding, instrument, holding.exit) if Fact.CLOSED in facts and holding.exit else None
        in_force_ms = max((at_ms(one, holding) for one in counted if not isinstance(one, Arrived | Lost)), default=None)
        return Chapter(before, holding, tuple(counted), in_force_ms, closing), facts

    async def _days(self, work: Work, closings: Sequence[Closing]) -> Mapping[int, DayTotal]:
        """Read each owner's total of the day. A chunk holds one end per owner, since one position lives per owner and
        symbol.
        """
        if not closings:
            return {}
        return await work.positions.day_totals(
            {one.holding.subscriber_id: day_of(one.exit.closed_ms, one.holding.time_zone) for one in closings}
        )

    def _measure(self, one: PendingExit) -> None:
        if one.received_ms and not one.exit.detected_late:
            metrics.TICK_TO_EXIT.observe(max(0.0, self._ground.clock.now().timestamp() - one.received_ms / 1000))


def happenings_of(holding: Holding, instrument: Instrument, seen: Seen) -> list[Happened]:
    """Say what a tick decided in the words of the history. A part that is not the next was stored before."""
    match seen:
        case PendingMove(standing=standing, at_ms=moved_ms):
            return [Moved(standing.stop, standing.reason, moved_ms)]
        case PendingExit(is_last=True, exit=end) if end.reason in STOPS:
            return [Moved(end.level, end.reason, end.closed_ms), Ended(end)]
        case PendingExit(is_last=True, exit=end):
            return [Ended(end)]
        case PendingExit(exit=end, standing=standing):
            leg = part(holding, instrument, end)
            reduced: list[Happened] = [] if leg is None else [Reduced(leg)]
            return reduced if standing is None else [*reduced, Moved(standing.stop, standing.reason, end.closed_ms)]
        case _:
            return [seen]


def _count(closings: Sequence[Closing], facts: Sequence[Fact]) -> None:
    for fact in facts:
        metrics.POSITIONS.labels(fact.value).inc()
    for one in closings:
        metrics.SLIPPAGE.observe(one.exit.slippage_pips)


def _give_up(one: Pending, error: RejectedError) -> None:
    metrics.BUGS.labels("positions-ticks", catalogue.TICK.name).inc()
    logger.error("exit.refused", position_id=one.position_id, error=str(error))
