"""Ctrl-C and its like: one interruption at a time.

A key that is held down repeats thirty times a second, and a shell and the kernel may both tell of a
terminal that went away. What the first one sets going (final text is saved, processes are ended)
takes less than a second, and the next must not break it off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE = 1.0
"""Seconds after an interruption in which no other is taken."""


class Interrupts:
    """When this process was interrupted, and whether it ends anyway."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._status: int | None = None
        self._held = False

    def interrupt(self, now: float) -> None:
        """Raise ``KeyboardInterrupt``, or leave at once where the end is only in the way."""
        if self._last is not None and now - self._last < PAUSE:
            return
        self._last = now
        if self._held:
            return
        if self._status is not None:
            os._exit(self._status)
        raise KeyboardInterrupt

    def ends_with(self, status: int) -> None:
        """Say that all is done and the process will have this exit status."""
        self._status = status

    @contextmanager
    def held(self) -> Iterator[None]:
        """Pass over what comes inside: the end it asks for is under way, and must come whole.

        It counts as the last one, so that there is the pause to tell what came of it.
        """
        self._held = True
        try:
            yield
        finally:
            self._held = False
