"""Fixtures of the command line's tests."""

from tests.servers import nats, nats_server, own_nats_server, postgres, postgres_cluster

__all__ = ["nats", "nats_server", "own_nats_server", "postgres", "postgres_cluster"]
