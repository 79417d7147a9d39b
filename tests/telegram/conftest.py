"""Real servers, a broker in memory, a Telegram in memory, and the gateway between them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox.stack.ports import reserved
from tests.servers import nats, nats_server, own_nats_server, own_postgres_server, postgres, postgres_cluster
from tests.telegram.gateway import Gateway
from tests.telegram.phone import Phone, a_phone

__all__ = ["nats", "nats_server", "own_nats_server", "own_postgres_server", "postgres", "postgres_cluster"]


@pytest.fixture
async def gateway(postgres: str) -> AsyncIterator[Gateway]:
    """A gateway whose sender does not run yet: `async with gateway.running():`."""
    async with Gateway.open(postgres) as gateway:
        yield gateway


@pytest.fixture
def port() -> Iterator[int]:
    """A port that nobody else is given while the test runs: whoever is meant to may listen on it, again and again."""
    with reserved(1) as (port,):
        yield port


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    """A person's phone."""
    async with a_phone() as phone:
        yield phone
