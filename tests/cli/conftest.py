"""Fixtures of the command line's tests."""

from collections.abc import Iterator

import pytest

from sandbox.stack.ports import reserved
from tests.servers import nats, nats_server, own_nats_server, postgres, postgres_cluster


@pytest.fixture
def nobodys_port() -> Iterator[int]:
    """A port that nobody answers on while the test runs."""
    with reserved(1) as (port,):
        yield port


__all__ = ["nats", "nats_server", "own_nats_server", "postgres", "postgres_cluster"]
