"""The outside world, translated: the Bot API, PostgreSQL, the catalogues of words."""
