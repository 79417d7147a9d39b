"""What every test shares: the fast rung leaves out what uses a real server, starts a process, or takes its time."""

import pytest
from hypothesis import settings

from tests.solitude import pytest_runtest_protocol

__all__ = ["pytest_runtest_protocol"]

settings.register_profile("sinyal", deadline=None)  # one example of thousands may meet a machine that stands still
settings.load_profile("sinyal")

SERVERS = frozenset({"postgres", "postgres_cluster", "own_postgres_server", "nats", "nats_server", "own_nats_server"})

SLOW_FILES = frozenset(
    {
        "test_binance_fuzz.py",
        "test_binance_venue.py",
        "test_deriv_fuzz.py",
        "test_exchange_binance.py",
        "test_lookahead.py",
        "test_montecarlo.py",
        "test_new_strategy.py",
        "test_optimize.py",
        "test_optimize_command.py",
        "test_outages.py",
        "test_scenarios.py",
        "test_venue_contract.py",
        "test_walkforward.py",
    }
)
"""Hours of market, hundreds of runs or hundreds of thousands of frames each: seconds a test, minutes together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark a test by the servers it asks for and by its file, so that none can forget to say so.

    What must be alone comes first, where hardly anybody has to be waited for.
    """
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)
        if item.path.name in SLOW_FILES or "official_clients" in item.path.parts:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("alone") is None)
