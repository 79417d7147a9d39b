"""Real servers for the room's tests."""

from tests.servers import nats, nats_server

__all__ = ["nats", "nats_server"]
