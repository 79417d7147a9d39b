"""Fixtures of the command line's tests."""

from tests.servers import nats, nats_server, own_nats_server

__all__ = ["nats", "nats_server", "own_nats_server"]
