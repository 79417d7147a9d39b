"""Positions that are over for long, out of the way of those that live: one statement moves each chunk whole."""

from services.positions.adapters.postgres_rows import Connection

_MOVE = """
    with old as (
        select id, state from position
        where state in ('closed', 'void') and closed_at < clock_timestamp() - make_interval(days => %(days)s)
        order by closed_at limit %(limit)s for update skip locked
    ), events as (
        delete from position_event e using old where e.position_id = old.id returning e.*
    ), gone as (
        delete from position p using old where p.id = old.id returning p.*
    ), kept as (
        insert into position_archive (id, subscriber_id, signal_id, symbol, side, mode, plan, entry, initial_stop, stop,
            stop_reason, targets, legs, lots, quote_ms, proposed_at, opened_at, closed_at, delivery_state, exit_reason,
            exit_level, exit_price, slippage_pips, closed_ms, detected_late, pnl, r, events)
        select id, subscriber_id, signal_id, symbol, side, mode, plan, entry, initial_stop, stop, stop_reason, targets,
            legs, lots, quote_ms, proposed_at, opened_at, closed_at, delivery_state, exit_reason, exit_level,
            exit_price, slippage_pips, closed_ms, detected_late, pnl, r,
            coalesce((
                select jsonb_agg(to_jsonb(e) - 'position_id' order by e.version) from events e
                where e.position_id = gone.id
            ), '[]')
        from gone where state = 'closed'
    )
    select count(*) from old
"""


class PostgresArchive:
    """The table `position_archive`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def move(self, days: int, limit: int) -> int:
        """Move what ended long ago out of the way; what was void goes for good."""
        row = await (await self._connection.execute(_MOVE, {"days": days, "limit": limit})).fetchone()
        assert row is not None, "a count has one row"
        return int(row[0])
