"""The feed room, from its arithmetic to real servers."""
