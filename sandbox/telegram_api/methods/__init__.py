"""The methods of the Bot API, by topic. A method checks, changes the world and returns the answer's `result`."""
