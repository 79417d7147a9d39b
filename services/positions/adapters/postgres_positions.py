"""Positions that live and end, in PostgreSQL. A row is changed only from the version it was locked at."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from contracts.messages import DeliveryState, Side
from services.positions.adapters.postgres_rows import HOLDING, Connection, holding
from services.positions.domain.day import DaySpan, DayTotal
from services.positions.domain.holding import Closing, Holding
from services.positions.domain.levels import Followed
from services.positions.domain.life import State
from services.positions.ports import End, Move

_LOCK = f"""
    select {HOLDING} from position p join subscriber s on s.id = p.subscriber_id
    where p.id = any(%s) order by p.id for no key update of p
"""  # noqa: S608  # HOLDING is a constant list of columns
_MOVE = """
    with moved as (
        update position set state = %(state)s, version = version + 1,
            delivery_state = coalesce(%(delivery)s, delivery_state), void_reason = %(reason)s,
            opened_at = case when %(state)s = 'open' then %(at)s else opened_at end,
            closed_at = case when %(state)s = 'void' then %(at)s else closed_at end
        where id = %(id)s and version = %(version)s returning id, version, quote_ms
    )
    insert into position_event (position_id, version, event, at, market_ms)
    select id, version, %(state)s, %(at)s, quote_ms from moved
"""
_END = """
    with ended as (
        update position p set state = %(state)s, version = p.version + 1, exit_reason = e.reason, exit_level = e.level,
            exit_price = e.price, slippage_pips = e.slippage, closed_ms = e.closed_ms, detected_late = e.late,
            pnl = e.pnl, r = e.r, delivery_state = coalesce(%(delivery)s, p.delivery_state),
            closed_at = case when %(state)s = 'closed' then %(at)s end,
            opened_at = case when %(state)s = 'closed' then coalesce(p.opened_at, %(at)s) else p.opened_at end
        from unnest(%(ids)s::text[], %(versions)s::int[], %(reasons)s::text[], %(levels)s::float8[],
            %(prices)s::float8[], %(slippages)s::float8[], %(closed)s::bigint[], %(lates)s::bool[],
            %(pnls)s::numeric[], %(rs)s::float8[])
            as e (id, version, reason, level, price, slippage, closed_ms, late, pnl, r)
        where p.id = e.id and p.version = e.version and p.state in ('proposed', 'parked', 'open')
        returning p.id, p.version, p.closed_ms
    )
    insert into position_event (position_id, version, event, at, market_ms)
    select id, version, %(state)s, %(at)s, closed_ms from ended
"""
_DAYS = """
    select d.subscriber_id, coalesce(sum(p.pnl), 0), count(p.id)
    from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as d (subscriber_id, from_ms, to_ms)
    left join position p on p.subscriber_id = d.subscriber_id and p.state = 'closed'
        and p.closed_ms >= d.from_ms and p.closed_ms < d.to_ms
    group by d.subscriber_id
"""
_FOLLOWED = """
    select id, side, stop, targets[1], in_force_ms from position
    where symbol = %s and state in ('proposed', 'open') and (%s::text is null or signal_id = %s) order by id
"""
_UNSETTLED = """
    select id from position where state in ('proposed', 'parked') and expires_at < %s order by id limit %s
"""


class PostgresPositions:
    """The table `position` where it goes on, with its events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, position_ids: Sequence[str]) -> list[Holding]:
        """Read and lock positions, always in the order of their ids."""
        cursor = await self._connection.execute(_LOCK.encode(), (list(position_ids),))
        return [holding(row) for row in await cursor.fetchall()]

    async def move(self, move: Move) -> None:
        """Store a change of state."""
        values = {
            "id": move.holding.position_id, "version": move.holding.version, "state": move.state, "at": move.at,
            "delivery": move.delivery_state, "reason": move.void_reason,
        }  # fmt: skip
        await self._connection.execute(_MOVE, values)

    async def park(self, ends: Sequence[End], at: datetime) -> None:
        """Store exits that wait for their delivery to be known."""
        nothing = [None] * len(ends)
        values = _ending(State.PARKED, ends, at) | {"pnls": nothing, "rs": nothing, "delivery": None}
        await self._connection.execute(_END, values)

    async def close(
        self, closings: Sequence[Closing], at: datetime, delivery_state: DeliveryState | None = None
    ) -> None:
        """Store the ends of positions."""
        results = {"pnls": [one.pnl for one in closings], "rs": [one.r for one in closings]}
        ends = [(one.holding, one.exit) for one in closings]
        values = _ending(State.CLOSED, ends, at) | results | {"delivery": delivery_state}
        await self._connection.execute(_END, values)

    async def day_totals(self, days: Mapping[int, DaySpan]) -> Mapping[int, DayTotal]:
        """Add up what each subscriber closed in a span of market time."""
        spans = list(days.values())
        values = (list(days), [span.from_ms for span in spans], [span.to_ms for span in spans])
        rows = await (await self._connection.execute(_DAYS, values)).fetchall()
        return {row[0]: DayTotal(row[1], row[2]) for row in rows}

    async def unsettled(self, expired_before: datetime, *, limit: int) -> list[str]:
        """List positions whose delivery was never told."""
        rows = await (await self._connection.execute(_UNSETTLED, (expired_before, limit))).fetchall()
        return [row[0] for row in rows]

    async def followed(self, symbol: str, signal_id: str | None = None) -> list[Followed]:
        """List the positions that ticks can cross."""
        rows = await (await self._connection.execute(_FOLLOWED, (symbol, signal_id, signal_id))).fetchall()
        return [Followed(row[0], Side(row[1]), row[2], row[3], row[4]) for row in rows]


def _ending(state: State, ends: Sequence[End], at: datetime) -> dict[str, object]:
    """Write ends as columns."""
    return {
        "state": state, "at": at,
        "ids": [holding.position_id for holding, _ in ends], "versions": [holding.version for holding, _ in ends],
        "reasons": [end.reason for _, end in ends], "levels": [end.level for _, end in ends],
        "prices": [end.price for _, end in ends], "slippages": [end.slippage_pips for _, end in ends],
        "closed": [end.closed_ms for _, end in ends], "lates": [end.detected_late for _, end in ends],
    }  # fmt: skip
