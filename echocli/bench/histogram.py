"""How values are distributed, in bins with round borders, and round numbers for axes."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 40
"""Bins at most, give or take one at each end."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts[n]`` values are at least ``edges[n]`` and less than the next edge."""

    edges: tuple[float, ...] = ()
    """One more than there are bins, evenly spaced."""
    counts: tuple[int, ...] = ()


def histogram(values: Sequence[float], most: int = MOST) -> Histogram:
    """Count values in about 2·∛n bins (Rice's rule) as wide as a round number; empty without any.

    Values are finite and not negative.
    """
    if not values:
        return Histogram()
    low, high = min(values), max(values)
    bins = min(most, max(5, math.ceil(2 * len(values) ** (1 / 3))))
    step = round_step((high - low) / bins or max(high, 1.0) / 10)
    first, last = math.floor(low / step), math.floor(high / step) + 1
    edges = tuple(number * step for number in range(first, last + 1))
    counts = Counter(max(0, min(bisect_right(edges, v) - 1, len(edges) - 2)) for v in values)
    return Histogram(edges, tuple(counts[n] for n in range(len(edges) - 1)))


def round_step(least: float) -> float:
    """Return the smallest of …, 0.5, 1, 2, 5, 10, … that is not below ``least`` (above 0)."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step for n in (1, 2, 5, 10) if (step := n * power) >= least * (1 - 1e-9))


def ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return at most ``count`` + 1 round numbers between two, evenly spaced; ``low`` < ``high``."""
    step = round_step((high - low) / count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1))
