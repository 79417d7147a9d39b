"""Servers that speak the venue's and Telegram's protocols, for a machine without either."""
