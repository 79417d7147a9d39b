"""Telegram: every message out, every command in."""
