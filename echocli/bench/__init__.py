"""Measuring: what a run took, how many words were wrong, and whether that is good enough."""

SCHEMA = "echocli/bench/1"
"""Form of a report as JSON."""
