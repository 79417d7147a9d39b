"""All that is kept of one person, written by PostgreSQL as it lies there: a column that comes later is told too."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.positions.adapters.postgres_rows import Connection

_DOCUMENT = """
    select jsonb_pretty(jsonb_build_object(
        'exported_at', %(at)s::timestamptz,
        'person', (select to_jsonb(s) from subscriber s where s.id = %(id)s),
        'refusals', (
            select coalesce(jsonb_agg(to_jsonb(f) order by f.refused_at), '[]') from refusal f
            where f.subscriber_id = %(id)s
        ),
        'positions', (
            select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('events', (
                select coalesce(jsonb_agg(to_jsonb(e) - 'position_id' order by e.version), '[]') from position_event e
                where e.position_id = p.id
            ), 'signal', (
                select to_jsonb(g) from signal g where g.id = p.signal_id
            )) order by p.proposed_at, p.id), '[]') from position p where p.subscriber_id = %(id)s
        ),
        'archived_positions', (
            select coalesce(jsonb_agg(to_jsonb(a) || jsonb_build_object('signal', (
                select to_jsonb(g) from signal g where g.id = a.signal_id
            )) order by a.proposed_at, a.id), '[]') from position_archive a where a.subscriber_id = %(id)s
        )
    ))
"""
_TRADES = """
    select t.id, t.symbol, g.strategy, t.side, t.mode, t.lots, t.opened_ms, t.closed_ms, t.entry, t.exit_price,
        t.exit_reason, t.slippage_pips, t.pnl, t.r
    from trade t join signal g on g.id = t.signal_id where t.subscriber_id = %s order by t.closed_ms, t.id
"""


class PostgresExport:
    """Reading all of one person."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def document(self, subscriber_id: int, at: datetime) -> str:
        """Write all of it as JSON; numbers as they are kept."""
        row = await (await self._connection.execute(_DOCUMENT, {"id": subscriber_id, "at": at})).fetchone()
        assert row is not None, "a select without a table has one row"
        return str(row[0])

    async def trades(self, subscriber_id: int) -> Sequence[Sequence[Any]]:
        """Read the closed trades, oldest first, as `domain.export` writes them."""
        return await (await self._connection.execute(_TRADES, (subscriber_id,))).fetchall()
