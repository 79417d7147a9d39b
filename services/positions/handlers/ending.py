"""Positions open, end, or never were: what deliveries and ticks do to them, stored together with what is told.

Deliveries and ticks meet in the row: whoever comes second finds the state that the first one left, and the table of
`domain.life` says what is left to do.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from chassis import metrics
from chassis.bus import Outgoing, Stored
from chassis.errors import RejectedError
from chassis.trace import child_trace, new_trace
from contracts import catalogue
from contracts.messages import DeliverySettled, DeliveryState, SendClass
from services.positions.domain import life, notices
from services.positions.domain.day import day_of
from services.positions.domain.holding import Closing, close
from services.positions.domain.life import Event, Fact, State
from services.positions.handlers.follower import PendingExit
from services.positions.handlers.ground import Ground
from services.positions.handlers.isolation import in_parts
from services.positions.handlers.speech import said, sent
from services.positions.ports import Change, End, Mark, Move, Work

ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.UNKNOWN})
"""An unknown delivery may have been read: its trade counts, and the row keeps that it was unknown."""

NEVER_SETTLED = "never_settled"
SWEPT = 200
"""Proposals voided in one transaction."""

logger = structlog.get_logger()


class Ending:
    """Takes positions from their proposal to their end."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

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
        step = life.step(holding.state, Event.DELIVERED if settled.state in ARRIVED else Event.LOST)
        stamp = notices.Stamp(self._ground.clock.now(), child_trace(settled.trace))
        if Fact.OPENED in step.facts:
            await work.say([said(catalogue.POSITION_OPENED, notices.opened(holding, stamp), holding.subscriber_id)])
            metrics.POSITIONS.labels("opened").inc()
        if step.state is State.OPEN:
            await work.positions.move(Move(holding, State.OPEN, stamp.at, settled.state))
        elif step.state is State.VOID and Fact.VOIDED in step.facts:
            reason = settled.reason or settled.state.value
            await self._void(work, Move(holding, State.VOID, stamp.at, settled.state, reason), stamp)
        elif Fact.CLOSED in step.facts and holding.exit is not None:
            await self._close(work, [(holding, holding.exit)], stamp.trace, settled.state)

    async def void_unsettled(self, expired_before: datetime) -> int:
        """Void what nobody will tell us of any more: its message expired long ago. Returns how many, at most SWEPT."""
        async with self._ground.store.work() as work:
            found = await work.positions.unsettled(expired_before, limit=SWEPT)
            for holding in await work.positions.lock(found):
                stamp = notices.Stamp(self._ground.clock.now(), new_trace())
                if Fact.VOIDED in life.step(holding.state, Event.LOST).facts:
                    await self._void(work, Move(holding, State.VOID, stamp.at, None, NEVER_SETTLED), stamp)
        return len(found)

    async def _void(self, work: Work, move: Move, stamp: notices.Stamp) -> None:
        holding, reason = move.holding, move.void_reason or ""
        await work.positions.move(move)
        await work.say([said(catalogue.POSITION_VOIDED, notices.voided(holding, reason, stamp), holding.subscriber_id)])
        await work.announce(Change(holding.symbol, voided_id=holding.position_id))
        metrics.POSITIONS.labels("voided").inc()

    # --- ticks --------------------------------------------------------------------------------------------------------

    async def store_exits(self, symbol: str, tenure: int, exits: Sequence[PendingExit], mark: Mark | None) -> None:
        """Store what ticks decided, in one transaction with how far they were followed.

        Raises:
            TenureOverError: another copy follows the symbol; nothing was stored.
        """
        async with self._ground.store.work() as work:

            async def end(some: Sequence[PendingExit]) -> None:
                await self._end(work, some)

            await in_parts(work, exits, end, _give_up)
            if mark is not None:
                await work.progress.save(symbol, tenure, mark)
        for one in exits:
            self._measure(one)

    async def _end(self, work: Work, exits: Sequence[PendingExit]) -> None:
        """Close what is open, park what is only proposed, leave what ended already."""
        pending = {one.position_id: one for one in exits}
        parked: list[End] = []
        closed: list[End] = []
        for holding in await work.positions.lock(list(pending)):
            step = life.step(holding.state, Event.CROSSED)
            end = (holding, pending[holding.position_id].exit)
            if Fact.CLOSED in step.facts:
                closed.append(end)
            elif step.state is State.PARKED and holding.state is not State.PARKED:
                parked.append(end)
        if parked:
            await work.positions.park(parked, self._ground.clock.now())
        if closed:
            await self._close(work, closed, exits[0].trace, None)

    # --- both ---------------------------------------------------------------------------------------------------------

    async def _close(self, work: Work, ends: Sequence[End], trace: str, delivery_state: DeliveryState | None) -> None:
        """Store ends and tell of them, each with its owner's total of the day. A chunk holds one end per owner, since
        one position lives per owner and symbol.
        """
        closings = [close(holding, self._ground.instruments[holding.symbol], end) for holding, end in ends]
        at = self._ground.clock.now()
        await work.positions.close(closings, at, delivery_state)
        days = await work.positions.day_totals(
            {one.holding.subscriber_id: day_of(one.exit.closed_ms, one.holding.time_zone) for one in closings}
        )
        messages: list[Outgoing] = []
        for one in closings:
            stamp = notices.Stamp(at, child_trace(trace))
            digits = self._ground.instruments[one.holding.symbol].digits
            outcome = notices.outcome_message(one, days[one.holding.subscriber_id], digits, stamp)
            messages += [
                said(catalogue.POSITION_CLOSED, notices.closed(one, stamp), one.holding.subscriber_id),
                sent(outcome),
            ]
        await work.say(messages)
        _count(closings)

    def _measure(self, one: PendingExit) -> None:
        if one.received_ms and not one.exit.detected_late:
            metrics.TICK_TO_EXIT.observe(max(0.0, self._ground.clock.now().timestamp() - one.received_ms / 1000))


def _count(closings: Sequence[Closing]) -> None:
    metrics.POSITIONS.labels("closed").inc(len(closings))
    for one in closings:
        metrics.SLIPPAGE.observe(one.exit.slippage_pips)


def _give_up(one: PendingExit, error: RejectedError) -> None:
    metrics.BUGS.labels("positions-ticks", catalogue.TICK.name).inc()
    logger.error("exit.refused", position_id=one.position_id, error=str(error))
