"""The search for parameters: what is tried, how it is judged, and the record that a search goes on from."""
