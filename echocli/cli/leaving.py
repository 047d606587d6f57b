"""End the process for certain, after everything that is registered to run at its end.

The thread that reads may wait for a pipe or be inside native code, and finalising the interpreter
under it aborts the process ("could not acquire lock for <stdin>").
"""

from __future__ import annotations

import atexit
import os

from echocli.interrupts import take

INTERRUPTED = 130
"""``ExitCode.INTERRUPTED``, whose module is loaded later than this one is needed."""

_status: list[int] = []


def prepare() -> None:
    """Make the process end without finalising; to be called before anything else registers.

    What is registered first runs last: children that were started are ended before.
    """
    if not _status:
        _status.append(1)  # until somebody says otherwise, nothing went well
        atexit.register(lambda: os._exit(_status[0]))


def with_status(status: int) -> None:
    """Say which exit status the process will have."""
    _status[0] = status


def when_interrupted() -> None:
    """End quietly on a signal while the program still loads; no text can be lost yet.

    An exception would come out in the middle of some import, as a traceback. To be called after
    :func:`prepare`.
    """
    take(_leave)


def _leave(_number: int, _frame: object) -> None:
    with_status(INTERRUPTED)
    atexit._run_exitfuncs()
