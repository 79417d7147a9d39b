"""The outside of the signals room: the broker, and where strategies come from."""
