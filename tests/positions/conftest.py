"""A real PostgreSQL, a broker in memory, and the room between them."""

from collections.abc import AsyncIterator

import pytest

from services.positions.handlers.reception import Reception
from tests.positions.house import DEADLINE_S, House
from tests.servers import nats, nats_server, own_postgres_server, postgres, postgres_cluster

__all__ = ["nats", "nats_server", "own_postgres_server", "postgres", "postgres_cluster"]


@pytest.fixture(autouse=True)
def patient_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rooms of this process take their time for an answer. Who tells of the limit undoes this, or sets one."""
    monkeypatch.setattr(Reception.__init__, "__kwdefaults__", {"limit_s": DEADLINE_S})
    monkeypatch.setattr("services.positions.wiring.LIMIT_S", DEADLINE_S)
    monkeypatch.setattr("services.positions.handlers.requesting.EVALUATION_S", DEADLINE_S)


@pytest.fixture
async def house(postgres: str) -> AsyncIterator[House]:
    """A house whose room is not open yet: `async with house.room():`."""
    async with House.open(postgres) as house:
        yield house
