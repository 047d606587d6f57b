"""Measuring: what a run took, how many words were wrong, and whether that is good enough."""
