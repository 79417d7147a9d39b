"""Clients that others wrote, against the simulator: in an environment of their own, never in the product's."""
