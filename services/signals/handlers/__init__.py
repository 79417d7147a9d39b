"""The use cases of the signals room: remember the market, raise signals, answer questions."""
