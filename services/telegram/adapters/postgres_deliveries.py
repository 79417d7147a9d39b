"""Deliveries in PostgreSQL, schema telegram. Every call is one statement and one transaction.

What starts and what ends is guarded by the attempt's number: of two copies that take over from each other, one call
is made, and a result that comes late changes nothing that has ended.
"""

from typing import Any
from uuid import uuid4

import msgspec

from chassis.breaker import Breaker, guarded
from chassis.database import Pool
from contracts.messages import Button, DeliveryState, SendMessage
from services.telegram.domain.attempt import Call, Progress, Row

_FIND = """
select send_id, state, attempts, repeats, message_id, reason, deactivate,
       coalesce(greatest(0, extract(epoch from next_at - clock_timestamp())), 0)::float8, html, buttons::text
from delivery where send_id = %(send_id)s
"""

_BEGIN = """
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, attempt_started_at,
                      begun_by)
values (%(send_id)s, %(chat_id)s, %(subscriber_id)s, %(kind)s, %(chart_key)s, 'attempting', %(attempt)s, %(repeats)s,
        clock_timestamp(), %(begun_by)s)
on conflict (send_id) do update
set state = 'attempting', attempts = excluded.attempts, repeats = excluded.repeats,
    attempt_started_at = excluded.attempt_started_at, next_at = null, begun_by = excluded.begun_by
where delivery.attempts = excluded.attempts - 1 and delivery.settled_at is null
returning true
"""

_IS_OURS = """
select true from delivery
where send_id = %(send_id)s and state = 'attempting' and attempts = %(attempt)s and begun_by = %(begun_by)s
"""

_PUT_OFF = """
update delivery set state = 'waiting', repeats = %(repeats)s,
    next_at = clock_timestamp() + make_interval(secs => %(delay_s)s)
where send_id = %(send_id)s and state = 'attempting' and attempts = %(attempt)s
"""

_SETTLE = """
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, message_id, reason,
                      deactivate, html, buttons, settled_at)
values (%(send_id)s, %(chat_id)s, %(subscriber_id)s, %(kind)s, %(chart_key)s, %(state)s, %(attempts)s, %(repeats)s,
        %(message_id)s, %(reason)s, %(deactivate)s, %(html)s, %(buttons)s::jsonb, clock_timestamp())
on conflict (send_id) do update
set state = excluded.state, attempts = greatest(delivery.attempts, excluded.attempts),
    message_id = excluded.message_id, reason = excluded.reason, deactivate = excluded.deactivate,
    html = excluded.html, buttons = excluded.buttons, settled_at = excluded.settled_at
where delivery.settled_at is null
returning true
"""

_REVIVE = """
update delivery set state = 'waiting', attempts = 0, repeats = 0, reason = '', settled_at = null, next_at = null
where send_id = %(send_id)s and state = 'dead'
"""

_KEEP_FILE = """
insert into file (chart_key, file_id) values (%(chart_key)s, %(file_id)s)
on conflict (chart_key) do update set file_id = excluded.file_id
"""

_ADDRESS = "select new_id from chat_move where old_id = %(old_id)s"
_MOVE = """
insert into chat_move (old_id, new_id) values (%(old_id)s, %(new_id)s)
on conflict (old_id) do update set new_id = excluded.new_id, moved_at = now()
"""

_PRUNE_FILES = "delete from file where created_at < now() - make_interval(days => %(days)s)"
_PRUNE = """
delete from delivery where send_id = any(array(
    (select send_id from delivery where settled_at < now() - make_interval(days => %(days)s) limit %(limit)s)
    union all
    (select send_id from delivery
     where settled_at is null and created_at < now() - make_interval(days => %(days)s) limit %(limit)s)
))
"""
PRUNED_AT_ONCE = 5000
"""Rows in one statement: a month of them at once would take longer than a statement may."""


class PostgresDeliveries:
    """The rows of all sends."""

    def __init__(self, pool: Pool, breaker: Breaker | None = None) -> None:
        self._pool = pool
        self._breaker = breaker
        self._name = uuid4().hex

    async def find(self, send_id: str) -> Row | None:
        """Read the row of a send."""
        found = await self._one(_FIND, {"send_id": send_id})
        return None if found is None else _row(found)

    async def begin(self, send: SendMessage, call: Call) -> bool:
        """Write that an attempt starts now, before the call is made."""
        values = {
            **_identity(send),
            "attempt": call.attempt,
            "repeats": call.repeats,
            "begun_by": self._name,
        }
        return await self._one(_BEGIN, values) is not None

    async def is_ours(self, send_id: str, call: Call) -> bool:
        """Tell whether it was this copy that began the attempt, and nothing was written since."""
        values = {"send_id": send_id, "attempt": call.attempt, "begun_by": self._name}
        return await self._one(_IS_OURS, values) is not None

    async def put_off(self, send_id: str, call: Call, repeats: int, delay_s: float) -> None:
        """Write that an attempt brought nothing and the send waits again."""
        values = {"send_id": send_id, "attempt": call.attempt, "repeats": repeats, "delay_s": delay_s}
        await self._run(_PUT_OFF, values)

    async def settle(self, send: SendMessage, row: Row) -> Row:
        """Write how a send ended, unless it ended before."""
        values = {
            **_identity(send),
            "state": row.state.value,
            "attempts": row.attempts,
            "repeats": row.repeats,
            "message_id": row.message_id,
            "reason": row.reason,
            "deactivate": row.deactivate,
            "html": row.html,
            "buttons": msgspec.json.encode(row.buttons).decode(),
        }
        if await self._one(_SETTLE, values) is not None:
            return row
        return await self.find(send.id) or row

    async def revive(self, send_id: str) -> None:
        """Let a send that ended dead begin anew."""
        await self._run(_REVIVE, {"send_id": send_id})

    async def address(self, chat_id: int) -> int:
        """Tell under which id Telegram knows a chat now."""
        found = await self._one(_ADDRESS, {"old_id": chat_id})
        return chat_id if found is None else int(found[0])

    async def move(self, old_id: int, new_id: int) -> None:
        """Remember that a group has become a supergroup with another id."""
        await self._run(_MOVE, {"old_id": old_id, "new_id": new_id})

    async def file_id(self, chart_key: str) -> str | None:
        """Read the id under which Telegram has a picture."""
        found = await self._one("select file_id from file where chart_key = %(key)s", {"key": chart_key})
        return None if found is None else str(found[0])

    async def keep_file(self, chart_key: str, file_id: str) -> None:
        """Remember the id under which Telegram has a picture."""
        await self._run(_KEEP_FILE, {"chart_key": chart_key, "file_id": file_id})

    async def forget_file(self, chart_key: str) -> None:
        """Forget an id that Telegram no longer knows."""
        await self._run("delete from file where chart_key = %(key)s", {"key": chart_key})

    async def prune(self, keep_days: int) -> int:
        """Delete what is older than anybody may ask for."""
        await self._run(_PRUNE_FILES, {"days": keep_days})
        total = 0
        while gone := await self._run(_PRUNE, {"days": keep_days, "limit": PRUNED_AT_ONCE}):
            total += gone
        return total

    async def _one(self, statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
        async with guarded(self._pool, self._breaker) as connection:
            return await (await connection.execute(statement.encode(), values)).fetchone()

    async def _run(self, statement: str, values: dict[str, Any]) -> int:
        async with guarded(self._pool, self._breaker) as connection:
            return (await connection.execute(statement.encode(), values)).rowcount


def _identity(send: SendMessage) -> dict[str, Any]:
    return {
        "send_id": send.id,
        "chat_id": send.chat_id,
        "subscriber_id": send.subscriber_id,
        "kind": send.kind.value,
        "chart_key": send.chart_key,
    }


def _row(found: tuple[Any, ...]) -> Row:
    send_id, state, attempts, repeats, message_id, reason, deactivate, rest_s, html, buttons = found
    return Row(
        send_id=send_id,
        state=Progress(state) if state in set(Progress) else DeliveryState(state),
        attempts=attempts,
        repeats=repeats,
        message_id=message_id,
        reason=reason,
        deactivate=deactivate,
        rest_s=rest_s,
        html=html,
        buttons=msgspec.json.decode(buttons, type=tuple[tuple[Button, ...], ...]),
    )
