"""How many live sessions there is room for: pure, from what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOAD = 1.0
"""Sum of the sessions' RTFs that is filled up to: from there on the ladder has to do less."""

FEWEST = 2
"""Sessions from which on their load says what another would bring; one alone says too little."""

SESSION_MB = 24
"""Memory of a session at most: its input buffer, its events, its sound that is not decoded."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How the server is doing."""

    sessions: int
    """Live sessions."""
    load: float | None
    """Sum of the RTFs of their sources; ``None`` while nothing was decoded."""
    memory_left_mb: float | None
    """What may still be taken; ``None`` where nobody knows."""


def allowed(limit: int, measured: Measured) -> int:
    """Return how many sessions there may be: ``limit``, or fewer where they would not fit.

    Another session is taken to bring as much load as the average of those that are there. What is
    there stays, so this may be less than there are.
    """
    return min(limit, _by_load(measured, limit), _by_memory(measured, limit))


def _by_load(measured: Measured, limit: int) -> int:
    if measured.load is None or measured.load <= 0 or measured.sessions < FEWEST:
        return limit
    if limit * measured.load <= LOAD * measured.sessions:  # nor can a tiny load overflow below
        return limit
    return max(1, math.floor(LOAD * measured.sessions / measured.load))


def _by_memory(measured: Measured, limit: int) -> int:
    if measured.memory_left_mb is None:
        return limit
    return measured.sessions + max(0, math.floor(measured.memory_left_mb / SESSION_MB))
