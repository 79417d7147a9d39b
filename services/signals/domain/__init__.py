"""Indicators, strategies and what a strategy says: pure functions of closed candles."""
