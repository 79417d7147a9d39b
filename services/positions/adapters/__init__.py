"""PostgreSQL behind the ports of this room."""
