"""People taken out of every table of this room.

The id of a position is a hash of its signal and its owner: whoever tries all ids of Telegram finds the owner. So what
is kept gets a random id, and what was remembered under the old one goes.
"""

from services.positions.adapters.postgres_rows import Connection
from services.positions.ports import Leaving

_LOCK = "select registered_at from subscriber where id = %s for update"
_LIVE = """
    select id from position where subscriber_id = %s and state in ('proposed', 'parked', 'open') order by id
"""
_FORGET_MESSAGES = """
    delete from inbox where message_id in (
        select 'm:signal:' || p.id || ':' || settled.state
        from position p, unnest(array['delivered', 'void', 'dead', 'unknown', 'expired']) as settled (state)
        where p.subscriber_id = %(id)s
    )
"""
_ARCHIVE = """
    insert into position_archive (id, person, signal_id, symbol, side, mode, plan, entry, initial_stop, stop,
        stop_reason, targets, legs, lots, quote_ms, proposed_at, opened_at, closed_at, delivery_state, exit_reason,
        exit_level, exit_price, slippage_pips, closed_ms, detected_late, pnl, r, events)
    select 'e:' || gen_random_uuid(), %(pseudonym)s, signal_id, symbol, side, mode, plan, entry, initial_stop, stop,
        stop_reason, targets, legs, lots, quote_ms, proposed_at, opened_at, closed_at, delivery_state, exit_reason,
        exit_level, exit_price, slippage_pips, closed_ms, detected_late, pnl, r,
        coalesce((
            select jsonb_agg(to_jsonb(e) - 'position_id' order by e.version) from position_event e
            where e.position_id = p.id
        ), '[]')
    from position p where subscriber_id = %(id)s and state = 'closed'
"""
_UNBIND = """
    update position_archive set id = 'e:' || gen_random_uuid(), subscriber_id = null, person = %(pseudonym)s
    where subscriber_id = %(id)s
"""
_DELETE = (
    "delete from position_event where position_id in (select id from position where subscriber_id = %(id)s)",
    "delete from position where subscriber_id = %(id)s",
    "delete from refusal where subscriber_id = %(id)s",
    "delete from subscriber where id = %(id)s",
)


class PostgresErasure:
    """Statements over all tables that know a person."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, subscriber_id: int) -> Leaving | None:
        """Lock a person, and list his live positions."""
        found = await (await self._connection.execute(_LOCK, (subscriber_id,))).fetchone()
        if found is None:
            return None
        rows = await (await self._connection.execute(_LIVE, (subscriber_id,))).fetchall()
        return Leaving(found[0], tuple(row[0] for row in rows))

    async def erase(self, subscriber_id: int, pseudonym: str) -> int:
        """Take a person out of every table."""
        values = {"id": subscriber_id, "pseudonym": pseudonym}
        await self._connection.execute(_FORGET_MESSAGES, values)
        archived = await self._connection.execute(_ARCHIVE, values)
        unbound = await self._connection.execute(_UNBIND, values)
        for statement in _DELETE:
            await self._connection.execute(statement, values)
        return archived.rowcount + unbound.rowcount
