"""What a chart shows, as numbers and words: no browser, no library, no clock."""
