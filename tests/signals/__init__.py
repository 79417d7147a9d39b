"""Tests of the signals room."""
