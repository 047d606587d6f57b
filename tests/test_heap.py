"""What glibc's malloc is told, as glibc itself tells it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(
        sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_info"),
        reason="the C library is not glibc",
    ),
]

THREADS = """
import ctypes, threading
from echocli.heap import share_one_arena
{call}
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
met = threading.Barrier(6)
def allocate():
    met.wait()
    libc.malloc(ctypes.c_size_t(1000))
    met.wait()
for _ in range(6):
    threading.Thread(target=allocate).start()
while threading.active_count() > 1:
    pass
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def arenas(call: str, **variables: str) -> int:
    """Count the arenas of a process after six threads allocated at once."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS.format(call=call)],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout.count("<heap nr=")


def test_all_threads_share_an_arena() -> None:
    assert arenas("pass") > 1
    assert arenas("share_one_arena()") == 1


def test_who_sets_the_variable_knows_better() -> None:
    assert arenas("share_one_arena()", MALLOC_ARENA_MAX="3") > 1
