"""A lock that holds between processes, in a file that stays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(path: Path, waiting: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold the lock of this file, which is made; wait while another process or thread has it.

    ``waiting`` is called once if there is somebody to wait for. Ends with the process at the
    latest. Where the system or the file system has no ``flock`` there is no waiting. Raises
    ``OSError`` if the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if sys.platform != "win32":
            with suppress(OSError):
                _lock(file.fileno(), waiting)
        yield


def _lock(handle: int, waiting: Callable[[], object] | None) -> None:
    import fcntl

    if waiting is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
        else:
            return
    fcntl.flock(handle, fcntl.LOCK_EX)
