"""Use cases: load, decide by the domain, save and tell in one transaction."""
