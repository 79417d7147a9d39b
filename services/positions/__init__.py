"""Positions: one virtual trade per subscriber."""
