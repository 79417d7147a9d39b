"""A local Telegram Bot API server with a page that shows each chat as a phone does."""
