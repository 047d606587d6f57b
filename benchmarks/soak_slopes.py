"""How fast the memory of a soak grows once it has settled, by the hour of audio."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import linear_regression

from benchmarks.soak_findings import HOUR, Found, Look

SETTLED = 600.0
"""Simulated seconds in which memory may still grow."""
MOST_SLOPE = 5.0
"""MB an hour that count as growth."""
PROCESSES = {"parent": "parent_mb", "worker": "worker_mb"}


def slope(looks: Sequence[Look], name: str) -> float | None:
    """Return the least-squares slope of a figure in MB an hour; ``None`` with too few looks.

    Three at least: two give a line through any noise.
    """
    settled = [look for look in looks if look.position >= SETTLED]
    if len(settled) < 3:
        return None
    hours = [look.position / HOUR for look in settled]
    return linear_regression(hours, [getattr(look, name) for look in settled]).slope


def report(found: Found) -> list[str]:
    """Print both slopes and return what is too steep, in words."""
    wrong = []
    for process, name in PROCESSES.items():
        steep = slope(found.looks, name)
        if steep is None:
            print(f"{process}: too short for a slope")
            continue
        print(f"{process}: {steep:+.2f} MB an hour of audio after {SETTLED / 60:.0f} min")
        if steep >= MOST_SLOPE:
            wrong.append(f"the {process} grows by {steep:.2f} MB an hour of audio")
    print("".join(f"FAILED: {what}\n" for what in wrong), flush=True)
    return wrong
