"""What the feed does: keep a venue connected, close its holes, publish what it says in order."""
