"""The command line: every verb a thin call."""
