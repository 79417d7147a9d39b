"""Charts: pictures of a market and a trade."""
