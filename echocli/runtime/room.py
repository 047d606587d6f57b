"""How much sound may wait between a source and the session."""

from __future__ import annotations

import threading


class Room:
    """Count samples on their way; :meth:`enter` blocks while there are too many.

    Overflow rule: block. A file or a pipe can wait; a microphone drops in a queue of its own and
    says so.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = 0
        self._backlog = 0
        self._open = False
        self._changed = threading.Condition()

    def enter(self, samples: int) -> None:
        """Wait for room, then take it."""
        with self._changed:
            self._changed.wait_for(self._is_free)
            self._waiting += samples

    def leave(self, samples: int, backlog: int) -> None:
        """Give room back; ``backlog`` samples of speech are still to be decoded."""
        with self._changed:
            self._waiting -= samples
            self._backlog = backlog
            self._changed.notify_all()

    def throw_open(self) -> None:
        """Let everything in from now on, so that nobody waits for a session that is over."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def _is_free(self) -> bool:
        return self._open or self._waiting + self._backlog < self._limit
