"""Scheduled work in PostgreSQL. A turn that was taken over finds its number gone and touches nothing."""

from services.positions.adapters.postgres_rows import Connection
from services.positions.ports import Turn, TurnOverError

LONGEST_DELAY_S = 3600.0

_PLAN = """
    insert into job (name, every_s) values (%(name)s, %(every_s)s)
    on conflict (name) do update set every_s = excluded.every_s,
        next_run = least(job.next_run, clock_timestamp() + make_interval(secs => excluded.every_s))
    where job.every_s <> excluded.every_s
"""
_TAKE = """
    update job set turn = turn + 1, begun_at = clock_timestamp(),
        leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
    where name = (
        select name from job
        where name = %(name)s and next_run <= clock_timestamp()
            and (leased_until is null or leased_until < clock_timestamp())
        for update skip locked
    )
    returning turn
"""
_RENEW = """
    update job set leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
    where name = %(name)s and turn = %(turn)s and leased_until is not null returning turn
"""
_HOLD = "select turn from job where name = %(name)s and turn = %(turn)s and leased_until is not null for share"
_END = """
    update job set leased_until = null, ended_at = clock_timestamp(), failures = 0, last_error = null,
        next_run = next_run + make_interval(
            secs => every_s * (floor(extract(epoch from clock_timestamp() - next_run)::float8 / every_s) + 1)
        )
    where name = %(name)s and turn = %(turn)s and leased_until is not null returning turn
"""
_FAIL = """
    update job set leased_until = null, ended_at = clock_timestamp(), failures = failures + 1, last_error = %(error)s,
        next_run = clock_timestamp() + make_interval(secs => least(%(longest_s)s, 2.0 ^ least(failures, 12)))
    where name = %(name)s and turn = %(turn)s and leased_until is not null returning turn
"""
_DUE = """
    select greatest(0, extract(epoch from greatest(next_run, leased_until) - clock_timestamp()))::float8
    from job where name = %s
"""


class PostgresJobs:
    """The table `job`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def plan(self, job: str, every_s: float) -> None:
        """Have a job done every so often."""
        await self._connection.execute(_PLAN, {"name": job, "every_s": every_s})

    async def take(self, job: str, lease_s: float) -> Turn | None:
        """Take a job that is due and that nobody does."""
        row = await (await self._connection.execute(_TAKE, {"name": job, "lease_s": lease_s})).fetchone()
        return None if row is None else Turn(job, row[0])

    async def renew(self, turn: Turn, lease_s: float) -> None:
        """Keep a job for longer."""
        await self._of_turn(_RENEW, turn, lease_s=lease_s)

    async def hold(self, turn: Turn) -> None:
        """Keep others from taking the job until this transaction ends."""
        await self._of_turn(_HOLD, turn)

    async def end(self, turn: Turn) -> None:
        """Give a job back, done."""
        await self._of_turn(_END, turn)

    async def fail(self, turn: Turn, error: str) -> None:
        """Give a job back, not done."""
        await self._of_turn(_FAIL, turn, error=error[:500], longest_s=LONGEST_DELAY_S)

    async def due_in_s(self, job: str) -> float:
        """Tell in how many seconds a job can be taken, at the earliest."""
        row = await (await self._connection.execute(_DUE, (job,))).fetchone()
        return 0.0 if row is None else float(row[0])

    async def _of_turn(self, statement: str, turn: Turn, **values: object) -> None:
        cursor = await self._connection.execute(statement.encode(), {"name": turn.job, "turn": turn.number, **values})
        if await cursor.fetchone() is None:
            raise TurnOverError(f"turn {turn.number} of {turn.job} is over")
