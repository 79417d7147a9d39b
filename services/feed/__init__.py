"""Feed: markets in, ticks and candles out."""
