"""The life, the gates, the levels and the money of positions: pure."""
