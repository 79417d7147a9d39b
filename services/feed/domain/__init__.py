"""What the feed knows of markets: quotes, candles, sessions, holes and states. Pure."""
