"""Ctrl-C and its like: one interruption at a time.

A key that is held down repeats thirty times a second, and a shell and the kernel may both tell of a
terminal that went away. What the first one sets going (final text is saved, processes are ended)
takes less than a second, and the next must not break it off.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

TYPE_CHECKING = False  # that of `typing`, which takes longer to load than all that is here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

PAUSE = 1.0
"""Seconds after an interruption in which no other is taken."""

AGAIN = 0.1
"""Seconds after which a second signal means that somebody does not want to wait: a shell and the
kernel may both send one, but only a person presses again."""

ENDS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that ask for the end; some are not on Windows, and the last is nowhere else."""


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


def take(handle: Callable[[int, Any], None]) -> dict[int, Any]:
    """Have the signals that ask for the end handled; return by number what handled them before.

    Those that the process was started to ignore stay ignored: by nohup, or by a shell for what it
    runs in the background.
    """
    before = {}
    for name in ENDS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handle)
    return before


@contextmanager
def handling(handle: Callable[[int, Any], None]) -> Iterator[None]:
    """Have them handled as :func:`take` does, for the block."""
    before = take(handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
