"""Real servers as fixtures: `from tests.servers import nats, nats_server, postgres, postgres_cluster` in a conftest."""

from tests.nats_server import nats, nats_server, own_nats_server
from tests.postgres_server import own_postgres_server, postgres, postgres_cluster

__all__ = ["nats", "nats_server", "own_nats_server", "own_postgres_server", "postgres", "postgres_cluster"]
