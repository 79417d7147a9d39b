"""Signals: opinions of strategies on closed candles."""
