"""A copy of the room, as far as jobs go, that begins a job and never ends it."""

import asyncio
import sys

from chassis.database import open_pool
from services.positions.handlers.jobs import Job, JobRunner
from services.positions.ports import Turn
from tests.positions.grounds import a_ground


async def main(url: str, lease_s: float) -> None:
    """Say when the job has begun, then hang in it."""

    async def hang(turn: Turn) -> None:
        sys.stdout.write(f"begun {turn.number}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    async with open_pool(url, name="worker", setting="X", schema="positions", max_size=3) as pool:
        await JobRunner(a_ground(pool), Job("slow", 3600.0, hang), lease_s=lease_s).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
