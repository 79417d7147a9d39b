"""Tests of the research."""
