"""A real PostgreSQL, a broker in memory, and the room between them."""

from collections.abc import AsyncIterator

import pytest

from tests.positions.house import House
from tests.servers import nats, nats_server, own_postgres_server, postgres, postgres_cluster

__all__ = ["nats", "nats_server", "own_postgres_server", "postgres", "postgres_cluster"]


@pytest.fixture
async def house(postgres: str) -> AsyncIterator[House]:
    """A house whose room is not open yet: `async with house.room():`."""
    async with House.open(postgres) as house:
        yield house
