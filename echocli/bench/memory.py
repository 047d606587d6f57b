"""Resident memory of this process and everything it started, watched while something runs."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from echocli.bench.series import MemoryTrack
from echocli.errors import EchoError

INTERVAL = 0.05
"""Seconds between two looks; each takes a few milliseconds."""


class MemoryWatch:
    """Note the highest sum of resident memory of the process tree, in bytes.

    A page that two processes share counts twice. The context is looked at once when it is entered
    and once when it is left, so that the shortest one has a figure too. Every look goes to
    ``track``.
    """

    def __init__(self, interval: float = INTERVAL, track: MemoryTrack | None = None) -> None:
        self.peak_bytes = 0
        self._interval = interval
        self._track = track
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(self._interval):
            self._look()

    def _look(self) -> None:
        parent, workers = tree_bytes()
        self.peak_bytes = max(self.peak_bytes, parent + workers)
        if self._track is not None:
            self._track.note(parent, workers)


def tree_bytes() -> tuple[int, int]:
    """Return the resident memory of this process, and that of its descendants, in bytes."""
    try:
        import psutil
    except ImportError as error:
        message = "bench measures memory with psutil, which is missing"
        raise EchoError(message, hint="pip install psutil") from error

    me = psutil.Process()
    return _resident(me), sum(map(_resident, me.children(recursive=True)))


def _resident(process: object) -> int:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0
