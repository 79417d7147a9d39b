"""A market venue on this machine: it replays a tape and speaks the venue's own protocol."""
