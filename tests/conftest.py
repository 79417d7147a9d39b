"""What every test shares: the fast rung leaves out whatever uses a real server or starts a process."""

import pytest

SERVERS = frozenset({"postgres", "postgres_cluster", "nats", "nats_server", "own_nats_server"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark a test by the servers it asks for, so that none can forget to say so."""
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)
