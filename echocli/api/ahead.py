"""How many inputs are read ahead of their turn, so that their windows fill the batches."""

from __future__ import annotations

import sys

LOOK_AHEAD = 8
"""Files that are read ahead of their turn, where nobody says how many to work on at once."""

KEPT_OPEN = 64
"""Open files that are left to the worker, the outputs and the program itself."""

EACH_OPENS = 2
"""Open files of an input that is being read."""


def look_ahead(jobs: int | None) -> int:
    """Return how many inputs to read ahead of their turn: no more than may be open at once."""
    wanted = LOOK_AHEAD if jobs is None else max(0, jobs - 1)
    if sys.platform == "win32":
        return wanted
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return wanted
    return max(0, min(wanted, (limit - KEPT_OPEN) // EACH_OPENS))
