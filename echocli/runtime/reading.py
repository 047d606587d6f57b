"""Read and hear an input in a thread of its own, some seconds ahead of whoever decodes it."""

from __future__ import annotations

import queue
import sys
import threading
from dataclasses import dataclass

from echocli.audio.clip import Clip
from echocli.audio.source import Source
from echocli.runtime.hearing import Heard, Hearing
from echocli.types import SAMPLE_RATE, Span
from echocli.vad.endpointer import VadOptions

WAITING_BLOCKS = 32
"""Blocks read of an input whose turn has not come, about as many seconds; then the reader waits."""

QUEUE_BLOCKS = 256
"""Blocks read ahead at most: about as much as is read while a batch is decoded, 16 MB."""


POLL_SECS = 0.2
"""How often a reader that waits for room looks whether anybody listens still."""


@dataclass(frozen=True, slots=True)
class Over:
    """End of the input, or what stopped the reader."""

    islands: tuple[Span, ...] = ()
    error: BaseException | None = None


class Reader:
    """Decode a source and detect voice into a bounded queue; the thread waits when it is full."""

    def __init__(self, source: Source, vad: VadOptions | None, clip: Clip) -> None:
        self.hearing: Hearing | None = None
        """Set once there is something to hear; its counters move while the thread runs."""
        self._source = source
        self._vad = vad
        self._clip = clip
        self._queue: queue.Queue[Heard | Over] = queue.Queue(WAITING_BLOCKS)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def heard(self) -> bool:
        """Whether any sound came."""
        return self.hearing is not None and self.hearing.total > 0

    @property
    def speech(self) -> tuple[float | None, int]:
        """The share of speech so far, ``None`` before there is sound, and how many silences."""
        hearing = self.hearing
        if hearing is None or not hearing.total:
            return None, 0
        return round(hearing.speech_samples / hearing.total, 4), hearing.silences

    def start(self) -> None:
        """Begin to read; the second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, name="reader", daemon=True)
            self._thread.start()

    def go_on(self) -> None:
        """Read further ahead: it is this input's turn."""
        self._widen(QUEUE_BLOCKS)

    def _widen(self, blocks: int) -> None:
        with self._queue.not_full:
            self._queue.maxsize = blocks
            self._queue.not_full.notify_all()

    def stop(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._widen(sys.maxsize)  # whoever waits for room need not wait out its time
        if self._thread is not None:
            # One that waits for a pipe cannot be woken; it ends with the pipe or the process.
            self._thread.join(timeout=0.5)

    def get(self, *, wait: bool) -> Heard | Over | None:
        """Return what comes next; ``None`` if it is not there yet and ``wait`` is false."""
        try:
            return self._queue.get(block=wait)
        except queue.Empty:
            return None

    def put_back(self, item: Over) -> None:
        """Return the last item, to be got again."""
        self._queue.put(item)

    def _read(self) -> None:
        """Read, listen and queue; must not raise."""
        error: BaseException | None = None
        islands: tuple[Span, ...] = ()
        try:
            self.hearing = Hearing(self._vad, clip=self._clip)
            error = self._listen(self.hearing)
            islands = self.hearing.finish()
        except BaseException as unexpected:
            error = unexpected
        self._put(Over(islands, error))

    def _listen(self, hearing: Hearing) -> BaseException | None:
        """Queue the whole input; what stopped it early, if anything did."""
        try:
            with self._source as source:
                for block in self._clip.cut(source.blocks()):
                    if not self._put(hearing.hear(block)):
                        return None
            self._note_end(hearing.total)
        except BaseException as error:
            return error
        return None

    def _note_end(self, total: int) -> None:
        if (missing := self._clip.beyond(total)) is not None:
            self._source.notices.append(
                f"{self._source.name}: ends at {total / SAMPLE_RATE:.1f} s, "
                f"there is nothing to hear from {missing.start / SAMPLE_RATE:.1f} s on"
            )

    def _put(self, item: Heard | Over) -> bool:
        """Queue an item, waiting for room; false once nobody listens any more."""
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=POLL_SECS)
            except queue.Full:
                continue
            return True
        return False
