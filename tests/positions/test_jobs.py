"""Scheduled work: once at a time, once after an outage, and never lost with the copy that did it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chassis.errors import TransientError
from services.positions.handlers.jobs import Job, JobRunner
from services.positions.ports import Turn, TurnOverError
from tests.positions.grounds import a_ground
from tests.positions.house import House, until, until_row

ROOT = Path(__file__).resolve().parents[2]
DAY_S = 86_400.0


@asynccontextmanager
async def copies(
    house: House, count: int, do: Callable[[Turn], Awaitable[None]], *, every_s: float = DAY_S, lease_s: float = 30.0
) -> AsyncIterator[None]:
    """Run some copies that all want to do one job."""
    ground = a_ground(house.pool)
    tasks = [
        asyncio.ensure_future(JobRunner(ground, Job("slow", every_s, do), lease_s=lease_s).run()) for _ in range(count)
    ]
    try:
        yield
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def job(house: House, columns: str) -> tuple[object, ...]:
    (row,) = await house.rows(f"select {columns} from job where name = 'slow'")
    return row


async def test_x9_a_slow_job_never_runs_twice_at_once(house: House) -> None:
    """It takes longer than its lease and is always due: three copies stand ready all the while."""
    running, most, runs = 0, 0, 0
    may_end = asyncio.Event()

    async def slow(_turn: Turn) -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        await may_end.wait()
        running -= 1

    async with copies(house, 3, slow, every_s=0.01, lease_s=3.0):
        await until(lambda: runs == 1, "the first run")
        (first_end,) = await job(house, "leased_until")

        async def is_renewed() -> object:
            row = await house.rows(
                "select leased_until > %s + interval '2 seconds' and clock_timestamp() > %s + interval '2 seconds'"
                " from job",
                first_end,
                first_end,
            )
            return row[0][0]

        await until_row(is_renewed, "renewal beyond its first end, of which the others know")
        assert (runs, most) == (1, 1)
        may_end.set()
        await until(lambda: runs > 10, "further runs")

    assert most == 1


async def test_a_job_that_was_missed_is_caught_up_once(house: House) -> None:
    runs = 0

    async def count(_turn: Turn) -> None:
        nonlocal runs
        runs += 1

    await house.rows_only(
        "insert into job (name, every_s, next_run) values ('slow', 3600, now() - interval '10 days 20 minutes')"
    )
    async with copies(house, 2, count, every_s=3600.0):
        await until(lambda: runs, "the run")

        async def is_over() -> object:
            return (await job(house, "leased_until is null and next_run > now()"))[0]

        await until_row(is_over, "the end")

    in_rhythm = "extract(epoch from next_run - now()) between 2300 and 2400"
    assert (runs, await job(house, in_rhythm)) == (1, (True,))


async def test_a_killed_copy_leaves_its_job_to_another_when_its_lease_is_over(house: House, postgres: str) -> None:
    taken: list[int] = []

    async def note(turn: Turn) -> None:
        taken.append(turn.number)

    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.positions.job_worker", postgres, "3", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(60):
            assert (await child.stdout.readline()).split() == [b"begun", b"1"]
        child.kill()
        await child.wait()
        (lease_end,) = await job(house, "leased_until")
        async with copies(house, 2, note, lease_s=3.0):
            await until(lambda: taken, "taking over")
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()

    (begun_after_lease,) = (await house.rows("select begun_at > %s from job", lease_end))[0]
    assert begun_after_lease
    assert taken == [2]


async def test_a_copy_that_was_frozen_finds_its_turn_over_and_writes_nothing(house: House) -> None:
    ground = a_ground(house.pool)
    async with ground.store.work() as work:
        await work.jobs.plan("slow", DAY_S)
        stale = await work.jobs.take("slow", 30.0)
    assert stale is not None
    await house.rows_only("update job set leased_until = now() - interval '1 second'")
    async with ground.store.work() as work:
        fresh = await work.jobs.take("slow", 30.0)
    assert fresh is not None

    async def write_with(touch: str) -> None:
        async with ground.store.work() as work:
            await work.is_first_time("test", "written by a frozen copy")
            await getattr(work.jobs, touch)(stale, *([30.0] if touch == "renew" else []))

    for touch in ("hold", "end", "renew"):
        with pytest.raises(TurnOverError):
            await write_with(touch)

    assert await house.rows("select count(*) from inbox") == [(0,)]
    assert await job(house, "turn") == (fresh.number,)


async def test_nobody_takes_a_job_while_a_transaction_of_its_turn_is_open(house: House) -> None:
    """A lease that ran out under a long transaction is not taken before the transaction ends."""
    ground = a_ground(house.pool)
    async with ground.store.work() as work:
        await work.jobs.plan("slow", DAY_S)
        turn = await work.jobs.take("slow", 0.001)
    assert turn is not None
    async with ground.store.work() as work:
        await work.jobs.hold(turn)
        async with ground.store.work() as other:
            assert await other.jobs.take("slow", 30.0) is None
    async with ground.store.work() as work:
        assert await work.jobs.take("slow", 30.0) is not None


@pytest.mark.parametrize("error", [TransientError("away"), ValueError("a bug")])
async def test_a_job_that_fails_is_tried_again_later_and_stops_nothing(house: House, error: Exception) -> None:
    runs = 0

    async def fail_first(_turn: Turn) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise error

    began_s = time.monotonic()
    async with copies(house, 1, fail_first):
        await until(lambda: runs == 1, "the first run")

        async def is_noted() -> object:
            return (await job(house, "failures = 1 and last_error is not null or failures = 0 and turn = 2"))[0]

        await until_row(is_noted, "the failure")
        await until(lambda: runs == 2, "the second run")
        assert time.monotonic() - began_s >= 0.9, "tried again at once"

        async def is_healed() -> object:
            return (await job(house, "failures = 0 and last_error is null"))[0]

        await until_row(is_healed, "the end")


async def test_a_new_rhythm_counts_from_now(house: House) -> None:
    ground = a_ground(house.pool)
    await house.rows_only(
        "insert into job (name, every_s, next_run) values ('slow', 86400, now() + interval '20 hours')"
    )
    async with ground.store.work() as work:
        await work.jobs.plan("slow", 60.0)
        soon = await work.jobs.due_in_s("slow")
        await work.jobs.plan("slow", DAY_S)
        still = await work.jobs.due_in_s("slow")

    assert 50 < soon <= 60
    assert still == pytest.approx(soon, abs=5)


async def test_the_room_plans_its_jobs(house: House) -> None:
    async with house.room(follows=False):

        async def all_done() -> object:
            rows = await house.rows("select name from job where ended_at is not null and failures = 0 order by name")
            return [row[0] for row in rows] == ["archive", "daily_summary", "forget", "sweep"]

        await until_row(all_done, "all jobs")
