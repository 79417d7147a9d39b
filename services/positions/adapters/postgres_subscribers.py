"""People in PostgreSQL."""

from datetime import datetime

from services.positions.adapters.postgres_rows import PERSON, PERSON_WIDTH, Connection, person
from services.positions.domain.preferences import Chosen
from services.positions.domain.subscriber import Person
from services.positions.ports import Applicant

_REGISTER = f"""
    insert into subscriber as s (id, chat_id, name, language, time_zone, lots) values (%s, %s, %s, %s, %s, %s)
    on conflict (id) do update set chat_id = excluded.chat_id, name = excluded.name, active = true,
        inactive_reason = null, changed_at = now()
    returning {PERSON}, xmax = 0
"""  # noqa: S608  # PERSON is a constant list of columns; xmax is 0 on a row that was inserted, not updated
_FIND = f"select {PERSON} from subscriber s where s.id = %s"  # noqa: S608
_SET_LANGUAGE = f"update subscriber s set language = %s, changed_at = now() where s.id = %s returning {PERSON}"  # noqa: S608
_SET_AUTO = f"""
    update subscriber s set auto = %(auto)s, active = s.active or %(auto)s, changed_at = now(),
        inactive_reason = case when s.active or %(auto)s then null else s.inactive_reason end
    where s.id = %(id)s returning {PERSON}
"""  # noqa: S608
_CHOOSE = f"""
    update subscriber s set lots = %(lots)s, time_zone = %(zone)s, balance = %(balance)s, risk_percent = %(risk)s,
        daily_loss_percent = %(loss)s, quiet_from_min = %(quiet_from)s, quiet_to_min = %(quiet_to)s,
        plan_targets = %(targets)s, plan_break_even = %(break_even)s, plan_trailing = %(trailing)s,
        plan_tightening = %(tightening)s, plan_time_limit_s = %(limit)s, hearing = %(hearing)s,
        dashboard = %(dashboard)s, changed_at = now()
    where s.id = %(id)s returning {PERSON}
"""  # noqa: S608
_DEACTIVATE = """
    update subscriber set active = false, inactive_reason = %s, changed_at = now()
    where id = %s and active and changed_at < %s
"""


class PostgresSubscribers:
    """The table `subscriber`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def register(self, applicant: Applicant) -> tuple[Person, bool]:
        """Store a person, or welcome one back."""
        one = applicant
        values = (one.subscriber_id, one.chat_id, one.name[:200], one.language, one.time_zone, one.lots)
        row = await (await self._connection.execute(_REGISTER, values)).fetchone()
        assert row is not None
        return person(row), row[PERSON_WIDTH]

    async def find(self, subscriber_id: int) -> Person | None:
        """Look a person up."""
        return await self._one(_FIND, subscriber_id)

    async def set_language(self, subscriber_id: int, language: str) -> Person | None:
        """Change the language."""
        return await self._one(_SET_LANGUAGE, language, subscriber_id)

    async def set_auto(self, subscriber_id: int, auto: bool) -> Person | None:
        """Switch automatic signals."""
        cursor = await self._connection.execute(_SET_AUTO.encode(), {"auto": auto, "id": subscriber_id})
        row = await cursor.fetchone()
        return None if row is None else person(row)

    async def choose(self, subscriber_id: int, chosen: Chosen) -> Person | None:
        """Store what a person chose."""
        it, choice = chosen.preferences, chosen.preferences.choice
        values = {
            "id": subscriber_id, "lots": chosen.lots, "zone": chosen.time_zone, "balance": it.balance,
            "risk": it.risk_percent, "loss": it.daily_loss_percent,
            "quiet_from": it.quiet and it.quiet.from_min, "quiet_to": it.quiet and it.quiet.to_min,
            "targets": choice.targets, "break_even": choice.break_even, "trailing": choice.trailing,
            "tightening": choice.tightening, "limit": choice.time_limit_s,
            "hearing": str(it.hearing), "dashboard": it.dashboard,
        }  # fmt: skip
        row = await (await self._connection.execute(_CHOOSE.encode(), values)).fetchone()
        return None if row is None else person(row)

    async def deactivate(self, subscriber_id: int, reason: str, seen_at: datetime) -> None:
        """Give a person nothing until he comes back."""
        await self._connection.execute(_DEACTIVATE, (reason, subscriber_id, seen_at))

    async def _one(self, query: str, *values: object) -> Person | None:
        row = await (await self._connection.execute(query.encode(), values)).fetchone()
        return None if row is None else person(row)
