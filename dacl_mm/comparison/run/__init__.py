"""Runs: each in a process of its own, in order, at once or on a cluster."""
