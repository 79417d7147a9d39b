"""Days summed up in PostgreSQL, and by the same statement marked as told."""

from datetime import datetime

from services.positions.adapters.postgres_rows import Connection
from services.positions.domain.hearing import read_hearing
from services.positions.domain.summary import Summary

_ZONES = "select distinct time_zone from subscriber where active"
_TAKE = """
    with due as (
        select id, chat_id, language, hearing, coalesce(summarised_until, %(since)s) as since from subscriber
        where active and time_zone = %(zone)s and (summarised_until is null or summarised_until < %(until)s)
        order by id limit %(limit)s for no key update
    ), told as (
        update subscriber s set summarised_until = %(until)s from due where s.id = due.id
    )
    select due.id, due.chat_id, due.language, due.since, count(p.id), count(p.id) filter (where p.pnl > 0),
        count(p.id) filter (where p.pnl < 0), coalesce(sum(p.pnl), 0), coalesce(sum(p.r::text::numeric), 0)::float8,
        max(p.pnl), min(p.pnl), due.hearing
    from due left join position p on p.subscriber_id = due.id and p.state = 'closed'
        and p.closed_at > due.since and p.closed_at <= %(until)s
    group by due.id, due.chat_id, due.language, due.hearing, due.since order by due.id
"""


class PostgresSummaries:
    """People's days."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def zones(self) -> list[str]:
        """List the time zones of active people."""
        return [row[0] for row in await (await self._connection.execute(_ZONES)).fetchall()]

    async def take(self, zone: str, *, since: datetime, until: datetime, limit: int) -> list[Summary]:
        """Sum up what people of a zone closed, and mark it as told."""
        values = {"zone": zone, "since": since, "until": until, "limit": limit}
        rows = await (await self._connection.execute(_TAKE, values)).fetchall()
        return [
            Summary(
                subscriber_id=row[0],
                chat_id=row[1],
                language=row[2],
                time_zone=zone,
                since=row[3],
                trades=row[4],
                wins=row[5],
                losses=row[6],
                pnl=row[7],
                r=row[8],
                best=row[9],
                worst=row[10],
                loudness=read_hearing(row[11]).summary,
            )
            for row in rows
        ]
