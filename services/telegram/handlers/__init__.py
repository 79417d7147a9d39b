"""The use cases: load, decide, save, tell. No library of the outside world is known here."""
