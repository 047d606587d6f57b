"""A file or a pipe as a live source: its sound comes by itself, at will paced like a microphone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from echocli.audio.capture import Captured, Over, Sink
from echocli.audio.source import Source
from echocli.clock import Clock
from echocli.events import Notice
from echocli.types import SAMPLE_RATE, Samples

PIECE = 512
"""Samples handed on at most, 32 ms: what voice detection takes, so nothing waits for its piece."""


class Playback:
    """Hand on the sound of ``source`` in pieces of at most 32 ms; see :class:`Capture`.

    With ``pace`` a piece is due when the clock has reached the position of its end, counted from
    when the first sound was read; it is never handed on earlier, and one that is late because the
    sink took its time keeps the time it was due, as a microphone's buffer would. Without, the sink
    sets the speed. ``sleep`` waits up to so many seconds; the default wakes up when stopped.

    A source that waits for its writer cannot be interrupted: then :meth:`stop` itself hands on
    :class:`Over`, and what the source gives later is dropped. The source is entered by
    :meth:`start` and left by the thread.
    """

    def __init__(
        self,
        source: Source,
        *,
        name: str,
        pace: bool,
        clock: Clock,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.name = name
        self._source = source
        self._pace = pace
        self._clock = clock
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._sink: Sink = _nowhere
        self._origin = 0.0
        self._position = 0
        # The right to hand things on. The thread gives it back while it waits for the source;
        # whoever hands on `Over` keeps it for good, so that there is one and nothing follows it.
        # A lock needs no second one and may be taken by a signal handler.
        self._turn = threading.Lock()
        self._turn.acquire()

    @property
    def duration(self) -> float | None:
        """Seconds of sound it has, where that is known."""
        return self._source.duration

    def start(self, sink: Sink) -> None:
        """Begin to hand sound to ``sink``; raise ``InputError`` where nothing can be read."""
        self._sink = sink
        self._source.__enter__()
        threading.Thread(target=self._run, name=f"playback {self.name}", daemon=True).start()

    def stop(self) -> None:
        """End soon: pieces that are due still come, then :class:`Over`; twice is harmless."""
        self._stopping.set()
        if self._turn.acquire(blocking=False):
            self._sink(Over())

    def _run(self) -> None:
        """Hand on everything; whatever goes wrong here belongs to who reads the items."""
        error: BaseException | None = None
        try:
            self._play()
        except _Dismissed:
            return
        except BaseException as caught:
            error = caught
        for text in self._source.notices:
            self._sink(Notice("input", text))
        self._sink(Over(error))

    def _play(self) -> None:
        try:
            with closing(self._pieces()) as pieces:
                for piece in pieces:
                    time = self._due(len(piece))
                    if time is None:
                        return
                    self._sink(Captured(piece, time))
        finally:
            self._source.__exit__(None, None, None)

    def _pieces(self) -> Generator[Samples]:
        with closing(self._blocks()) as blocks:
            while (block := self._next(blocks)) is not None:
                if not self._position:
                    self._origin = self._clock.now()
                for start in range(0, len(block), PIECE):
                    yield block[start : start + PIECE]

    def _blocks(self) -> Generator[Samples]:
        # A generator, because calling `blocks` may already wait for the first byte.
        yield from self._source.blocks()

    def _next(self, blocks: Iterator[Samples]) -> Samples | None:
        """Return the source's next block, ``None`` at its end or when stopped."""
        self._turn.release()
        try:
            # Asked after the release: a stop before it could not take the turn.
            return None if self._stopping.is_set() else next(blocks, None)
        finally:
            if not self._turn.acquire(blocking=False):
                raise _Dismissed

    def _due(self, length: int) -> float | None:
        """Return the time of the next ``length`` samples once they are due, ``None`` if stopped."""
        self._position += length
        if not self._pace:
            return self._clock.now()
        time = self._origin + self._position / SAMPLE_RATE
        while (left := time - self._clock.now()) > 0:
            if self._stopping.is_set():
                return None
            self._sleep(left)
        return time


class _Dismissed(Exception):
    """The source gave something after :meth:`Playback.stop` had ended the items."""


def _nowhere(item: object) -> None:
    del item
