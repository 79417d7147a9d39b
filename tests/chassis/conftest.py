"""Real servers for the chassis' tests."""

from tests.postgres_server import postgres, postgres_cluster

__all__ = ["postgres", "postgres_cluster"]
