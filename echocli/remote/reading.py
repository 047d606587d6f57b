"""A live source made of sound that is kept: what the server has not got round to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from echocli.audio.capture import Captured, Missing, Over, Sink
from echocli.clock import Clock
from echocli.remote.course import Course
from echocli.remote.outbox import to_samples
from echocli.types import SAMPLE_RATE

PIECE = 512
"""Samples handed on at a time, as :mod:`echocli.audio.playback` has it."""

READ = SAMPLE_RATE
"""Samples read at a time."""

PATIENCE = 1.0
"""Seconds after which it is looked whether to end, while what was asked for does not come."""

WAIT = 0.05
"""Seconds after which it is looked again where there is nothing new."""

HOLE = "the sound is lost"


class KeptSound:
    """Hand on the sound of a course from ``start`` on, also what is still to come.

    The outbox belongs to the link's thread: ``post`` has it read there.
    """

    def __init__(
        self,
        course: Course,
        start: int,
        clock: Clock,
        post: Callable[[Callable[[float], None]], None],
    ) -> None:
        self.name = course.name
        self._course = course
        self._position = start
        self._clock = clock
        self._post = post
        self._stopping = threading.Event()
        self._read: queue.SimpleQueue[tuple[int, bytes, bool]] = queue.SimpleQueue()

    def start(self, sink: Sink) -> None:
        """Begin to hand sound to ``sink``."""
        threading.Thread(
            target=self._run, args=(sink,), name=f"kept {self.name}", daemon=True
        ).start()

    def stop(self) -> None:
        """End soon, with :class:`Over`; twice is harmless."""
        self._stopping.set()

    def _run(self, sink: Sink) -> None:
        while (found := self._next()) is not None:
            at, pcm, over = found
            if pcm:
                self._hand_on(sink, at, pcm)
            elif over:
                break
            else:
                self._stopping.wait(WAIT)
        sink(Over())

    def _next(self) -> tuple[int, bytes, bool] | None:
        """Ask for what comes next, once, and wait for it; ``None`` where it is time to end."""
        self._post(self._ask)
        while not self._stopping.is_set():
            with suppress(queue.Empty):
                return self._read.get(timeout=PATIENCE)
        return None

    def _ask(self, now: float) -> None:
        del now
        at, pcm = self._course.outbox.read(self._position, READ)
        self._read.put((at, pcm, self._course.over))

    def _hand_on(self, sink: Sink, at: int, pcm: bytes) -> None:
        if at > self._position:
            sink(Missing(at - self._position, HOLE))
        samples = to_samples(pcm)
        for start in range(0, len(samples), PIECE):
            if self._stopping.is_set():
                return
            sink(Captured(samples[start : start + PIECE], self._clock.now()))
        self._position = at + len(samples)
