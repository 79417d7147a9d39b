"""Erased people in PostgreSQL, schema telegram: a hash of each for a few days, their rows without them, and none of
their own pictures.
"""

import hashlib
import hmac
from datetime import datetime

from chassis.breaker import Breaker, guarded
from chassis.database import Pool
from contracts import ids
from contracts.messages import SendMessage

_BLANK = "chat_id = 0, subscriber_id = 0, html = null, buttons = '[]'"
_PICTURES = "select chart_key from delivery where subscriber_id = %(id)s and starts_with(chart_key, %(own)s)"
_FORGET = (
    """
    insert into forgotten (person, forgotten_at) values (%(person)s, %(at)s)
    on conflict (person) do update set forgotten_at = greatest(forgotten.forgotten_at, excluded.forgotten_at)
    """,
    f"delete from file where chart_key in ({_PICTURES})",  # noqa: S608
    "delete from delivery where subscriber_id = %(id)s and settled_at is not null",
    f"update delivery set {_BLANK} where subscriber_id = %(id)s",  # noqa: S608  # a constant of this module
)
_IS_FORGOTTEN = "select exists (select from forgotten where person = %(person)s and forgotten_at > %(at)s)"
_SCRUB = f"""
    update delivery set {_BLANK}
    where send_id = %(send_id)s and exists (select from forgotten where person = %(person)s)
"""  # noqa: S608  # a constant of this module
_PRUNE = "delete from forgotten where forgotten_at < now() - make_interval(days => %(days)s)"


class PostgresForgotten:
    """The table `forgotten`."""

    def __init__(self, pool: Pool, key: str, breaker: Breaker | None = None) -> None:
        """Keep hashes made with `key`, a secret of this room."""
        self._pool = pool
        self._breaker = breaker
        self._key = key.encode()

    async def pictures(self, person_id: int) -> list[str]:
        """List a person's own pictures, as far as rows still tell of them: longer than any picture is kept."""
        async with guarded(self._pool, self._breaker) as connection:
            rows = await connection.execute(_PICTURES.encode(), {"id": person_id, "own": ids.OWN})
            return sorted({row[0] for row in await rows.fetchall()})

    async def add(self, person_id: int, at: datetime) -> None:
        """Forget a person: what ended goes, what is under way loses his name."""
        values = {"person": self._hash(person_id), "id": person_id, "at": at, "own": ids.OWN}
        async with guarded(self._pool, self._breaker) as connection:
            for statement in _FORGET:
                await connection.execute(statement.encode(), values)

    async def is_over(self, send: SendMessage) -> bool:
        """Tell whether a send was said to a person before he was forgotten."""
        values = {"person": self._hash(send.subscriber_id), "at": send.at}
        async with guarded(self._pool, self._breaker) as connection:
            row = await (await connection.execute(_IS_FORGOTTEN, values)).fetchone()
        return bool(row and row[0])

    async def scrub(self, send: SendMessage) -> None:
        """Take a forgotten person out of the row of a send that has ended."""
        values = {"person": self._hash(send.subscriber_id), "send_id": send.id}
        async with guarded(self._pool, self._breaker) as connection:
            await connection.execute(_SCRUB.encode(), values)

    async def prune(self, days: int) -> None:
        """Forget even the hash of who was forgotten more than `days` ago."""
        async with guarded(self._pool, self._breaker) as connection:
            await connection.execute(_PRUNE, {"days": days})

    def _hash(self, person_id: int) -> str:
        return hmac.new(self._key, f"person:{person_id}".encode(), hashlib.sha256).hexdigest()[:32]
