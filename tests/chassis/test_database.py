"""Transactions on a pool that is busy."""

import asyncio

import pytest

from chassis.database import open_pool, transaction


@pytest.mark.parametrize("turns", range(8))
async def test_who_is_cancelled_while_a_connection_is_handed_to_him_ends(postgres: str, turns: int) -> None:
    """The cancellation comes so many turns of the loop after the connection is free: at any of them it must count."""
    async with open_pool(postgres, name="test", setting="X", max_size=1) as pool:
        begun, free = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with transaction(pool):
                begun.set()
                await free.wait()

        async def want() -> None:
            async with transaction(pool) as connection:
                await connection.execute("select 1")
                await asyncio.Event().wait()

        holding = asyncio.ensure_future(hold())
        await begun.wait()
        wanting = asyncio.ensure_future(want())
        while not pool.get_stats()["requests_waiting"]:
            await asyncio.sleep(0)

        free.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        wanting.cancel()
        ended, _ = await asyncio.wait({wanting}, timeout=10)
        wanting.cancel()
        await holding

        assert ended
        assert wanting.cancelled()
        async with transaction(pool) as connection:  # and the connection came back
            await connection.execute("select 1")
