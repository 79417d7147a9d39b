"""The venues, behind the port that the handlers know."""
