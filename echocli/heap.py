"""How glibc's malloc keeps what was freed; with another C library nothing happens.

The numbers are those of ``malloc.h``; see ``mallopt(3)``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

_MMAP_THRESHOLD = -3
_ARENA_MAX = -8


def share_one_arena(variables: Mapping[str, str] = os.environ) -> None:
    """Have all threads that are started from now on allocate from one arena.

    glibc gives each thread one of its own, up to eight for each core, and each keeps what its
    threads freed: a process whose threads come and go grows for hours.
    """
    if "MALLOC_ARENA_MAX" not in variables:
        _set(_ARENA_MAX, 1)


def give_back_from(size: int) -> None:
    """Give blocks of ``size`` bytes and more back to the system as soon as they are free."""
    _set(_MMAP_THRESHOLD, size)


def _set(parameter: int, value: int) -> None:
    if sys.platform != "linux":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(parameter, value)
