"""The options of ``transcribe`` for many inputs."""

from __future__ import annotations

import sys
from typing import Annotated

from echocli.cli.options import INPUT, OUTPUT, option

LOOK_AHEAD = 8
"""Files that are read ahead of their turn, where nobody says how many to work on at once."""

KEPT_OPEN = 64
"""Open files that are left to the worker, the outputs and the program itself."""

EACH_OPENS = 2
"""Open files of an input that is being read."""

Recursive = Annotated[
    bool,
    option(
        INPUT,
        "--recursive/--no-recursive",
        "-r",
        help="Take the sound and video files in and under directories.",
    ),
]
Jobs = Annotated[
    int | None,
    option(
        INPUT,
        "--jobs",
        "-j",
        min=1,
        help="Inputs worked on at once; 1 is one after the other [default: 9].",
    ),
]
DryRun = Annotated[
    bool, option(OUTPUT, "--dry-run", help="Say what would be done, and do nothing.")
]
DryRunJson = Annotated[bool, option(OUTPUT, "--json", help="With --dry-run: say it as JSON.")]


def look_ahead(jobs: int | None) -> int:
    """Return how many inputs to read ahead of their turn: no more than may be open at once."""
    wanted = LOOK_AHEAD if jobs is None else jobs - 1
    if sys.platform == "win32":
        return wanted
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return wanted
    return max(0, min(wanted, (limit - KEPT_OPEN) // EACH_OPENS))
