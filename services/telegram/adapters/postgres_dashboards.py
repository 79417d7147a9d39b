"""Dashboards in PostgreSQL, schema telegram. Every call is one short transaction.

Copies share the rows: who claims one has it for a moment, and where its process ends the row is due again.
"""

from typing import Any

from chassis.breaker import Breaker, guarded
from chassis.database import Pool
from contracts.messages import DeliveryState
from services.telegram.domain.attempt import Progress
from services.telegram.domain.dashboards import GAP_S, Dashboard, Ending, Rhythm

_REPLACE = """
update dashboard set ending = 'replaced', next_at = now()
where subscriber_id = %(subscriber_id)s and symbol = %(symbol)s and ending is null
  and dashboard_id <> %(dashboard_id)s and not exists (select from dashboard where dashboard_id = %(dashboard_id)s)
  and not exists (select from delivery where send_id = %(dashboard_id)s)
"""

_OPEN = """
insert into dashboard (dashboard_id, subscriber_id, chat_id, symbol, language, time_zone, position_id, shown)
select %(dashboard_id)s, %(subscriber_id)s, %(chat_id)s, %(symbol)s, %(language)s, %(time_zone)s, %(position_id)s,
       %(shown)s
where not exists (select from delivery where send_id = %(dashboard_id)s)
on conflict (dashboard_id) do nothing
"""

_STOP = """
update dashboard set ending = 'stopped', next_at = now() where subscriber_id = %(subscriber_id)s and ending is null
"""

_CLAIM = """
with due as (
    select dashboard_id from dashboard where next_at <= now() order by next_at limit %(limit)s for update skip locked
), claimed as (
    update dashboard set next_at = now() + make_interval(secs => %(claim_s)s)
    from due where dashboard.dashboard_id = due.dashboard_id
    returning dashboard.*
)
select c.dashboard_id, c.subscriber_id, c.chat_id, c.symbol, c.language, c.time_zone, c.position_id, c.shown, c.edits,
       c.ending, c.is_final, extract(epoch from now() - c.opened_at)::float8, message.state, message.message_id,
       edit.state, c.last_send_id is not null,
       coalesce(edit.state = 'attempting', false)
       or coalesce(
           coalesce(edit.settled_at, c.asked_at, message.settled_at) > now() - make_interval(secs => %(rest_s)s), false
       ),
       coalesce(
           coalesce(edit.settled_at, c.asked_at, message.settled_at) > now() - make_interval(secs => %(gap_s)s), false
       )
from claimed c
left join delivery message on message.send_id = c.dashboard_id
left join delivery edit on edit.send_id = c.last_send_id
order by c.opened_at
"""

_SHOW = """
update dashboard
set edits = %(edits)s, shown = %(shown)s, last_send_id = %(send_id)s, position_id = %(position_id)s,
    is_final = %(is_final)s, ending = case when %(is_final)s then coalesce(ending, 'finished') else ending end,
    asked_at = clock_timestamp()
where dashboard_id = %(dashboard_id)s and edits < %(edits)s
"""

_REOPEN = """
update dashboard
set dashboard_id = %(send_id)s, edits = %(edits)s, shown = '', position_id = %(position_id)s, opened_at = now()
where dashboard_id = %(dashboard_id)s
"""


class PostgresDashboards:
    """Keeps dashboards."""

    def __init__(self, pool: Pool, breaker: Breaker | None = None) -> None:
        self._pool = pool
        self._breaker = breaker

    async def open(self, dashboard: Dashboard) -> None:
        """Begin a dashboard; an older one of the same person and symbol ends. A repeat changes nothing, also of one
        that is over: its message was sent.
        """
        values = {
            "dashboard_id": dashboard.dashboard_id,
            "subscriber_id": dashboard.subscriber_id,
            "chat_id": dashboard.chat_id,
            "symbol": dashboard.symbol,
            "language": dashboard.language,
            "time_zone": dashboard.time_zone,
            "position_id": dashboard.position_id,
            "shown": dashboard.shown,
        }
        async with guarded(self._pool, self._breaker) as connection:
            # two at once from one person: the second waits here, and then replaces the first
            await connection.execute("select pg_advisory_xact_lock(%(subscriber_id)s)", values)
            await connection.execute(_REPLACE.encode(), values)
            await connection.execute(_OPEN.encode(), values)

    async def stop(self, subscriber_id: int) -> bool:
        """End all dashboards of a person with a last edit; False where there are none."""
        return await self._run(_STOP, {"subscriber_id": subscriber_id}) > 0

    async def forget_all(self, subscriber_id: int) -> None:
        """Forget the dashboards of a person who cannot be reached."""
        await self._run("delete from dashboard where subscriber_id = %(id)s", {"id": subscriber_id})

    async def forget(self, dashboard_id: str) -> None:
        """Forget one."""
        await self._run("delete from dashboard where dashboard_id = %(id)s", {"id": dashboard_id})

    async def claim(self, limit: int, rhythm: Rhythm) -> list[Dashboard]:
        """Take what is due; nobody else looks at it for a moment."""
        values = {"limit": limit, "claim_s": rhythm.look_s, "gap_s": rhythm.gap_s, "rest_s": GAP_S}
        async with guarded(self._pool, self._breaker) as connection:
            found = await (await connection.execute(_CLAIM.encode(), values)).fetchall()
        return [_dashboard(row) for row in found]

    async def show(
        self, row: Dashboard, *, send_id: str, shown: str, position_id: str | None, is_final: bool = False
    ) -> None:
        """Write that an edit is on its way; a final one is the last."""
        values = {"dashboard_id": row.dashboard_id, "edits": row.edits + 1, "send_id": send_id, "shown": shown}
        await self._run(_SHOW, {**values, "position_id": position_id, "is_final": is_final})

    async def reopen(self, row: Dashboard, *, send_id: str, position_id: str | None) -> None:
        """Write that another message takes the place of the one that opened it; what it shows counts as unknown, so
        that an edit follows. A repeat changes nothing.
        """
        values = {"dashboard_id": row.dashboard_id, "edits": row.edits + 1, "send_id": send_id}
        await self._run(_REOPEN, {**values, "position_id": position_id})

    async def count(self) -> int:
        """Count the dashboards there are."""
        async with guarded(self._pool, self._breaker) as connection:
            found = await (await connection.execute("select count(*) from dashboard")).fetchone()
        return int(found[0]) if found else 0

    async def _run(self, statement: str, values: dict[str, Any]) -> int:
        async with guarded(self._pool, self._breaker) as connection:
            return (await connection.execute(statement.encode(), values)).rowcount


def _dashboard(found: tuple[Any, ...]) -> Dashboard:
    (
        dashboard_id, subscriber_id, chat_id, symbol, language, time_zone, position_id, shown, edits, ending, is_final,
        age_s, message, message_id, edit, has_edit, is_resting, is_patient,
    ) = found  # fmt: skip
    return Dashboard(
        dashboard_id=dashboard_id,
        subscriber_id=subscriber_id,
        chat_id=chat_id,
        symbol=symbol,
        language=language,
        time_zone=time_zone,
        position_id=position_id,
        shown=shown,
        edits=edits,
        ending=None if ending is None else Ending(ending),
        is_final=is_final,
        age_s=age_s,
        message=_settled(message),
        message_id=message_id,
        edit=_settled(edit),
        has_edit=has_edit,
        is_resting=is_resting,
        is_patient=is_patient,
    )


def _settled(state: str | None) -> DeliveryState | None:
    """Read how a send ended; None while it is on its way."""
    return None if state is None or state in set(Progress) else DeliveryState(state)
