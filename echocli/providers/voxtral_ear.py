"""Windows through a program that only knows one endless stream.

A window that continues what was heard costs its new sound only. Behind the last of it comes
silence, after which its words are complete, and the next window follows in the same stream. The
program's decoder begins anew after some 160 s and may swallow words there, so before that its input
is ended, behind a window, and another one is started.
"""

from __future__ import annotations

from collections.abc import Callable

from echocli.providers.voxtral_process import BLOCK_BYTES, Process
from echocli.providers.voxtral_stream import BLOCK, BYTES, FLUSH, Passage
from echocli.types import SAMPLE_RATE, to_samples

MOST = 150 * SAMPLE_RATE
"""Samples that one run of the program is given at most."""

RESERVE = 30 * SAMPLE_RATE
"""Samples that a window may still grow to."""


class Ear:
    """Serve one window after the other; ``start`` starts a program with an interval in seconds."""

    def __init__(self, start: Callable[[float], Process]) -> None:
        self.interval = 1.0
        """Seconds of sound the next program works on at once."""
        self.sent = 0
        """Samples that the running program was given."""
        self._start = start
        self._working = self.interval
        self._process: Process | None = None
        self._passage: Passage | None = None
        self._carry = bytearray()

    def open(self) -> Process:
        """Return the program with its model loaded; raise ``Fallen``."""
        process = self._process or self._begin()
        process.wait_ready()
        return process

    def listen(self, start: int, sound: bytes, *, more: bool) -> Passage:
        """Hear a window; with ``more`` of it to come its text may lack what was just said.

        ``sound`` is all of it so far, as ``pcm``. Raises ``Fallen``.
        """
        passage = self._passage
        if passage is None or not self._continues(passage, start, sound):
            passage = self._new(start, sound, more=more)
        self._give(passage, passage.rest(sound))
        if not more and not passage.closed:
            self._close(passage)
        return passage

    def drop(self) -> None:
        """Forget everything and end the program at once."""
        if self._process is not None:
            self._process.kill()
        self._process = self._passage = None
        self._carry.clear()

    @property
    def pid(self) -> int | None:
        """Process id of the program, if one runs."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the program in peace."""
        if self._process is not None:
            self._process.end()
        self._process = self._passage = None

    @property
    def _pause(self) -> int:
        """Samples of silence behind a window: until its words are out, and have been worked on."""
        return FLUSH + to_samples(self._working)

    def _begin(self) -> Process:
        self.sent = 0
        self._carry.clear()
        self._working = self.interval
        self._process = self._start(self._working)
        return self._process

    def _new(self, start: int, sound: bytes, *, more: bool) -> Passage:
        """Begin a window, behind the one before and in a program that has room for it."""
        if self._process is not None and self._passage and not self._passage.closed:
            self._close(self._passage)
        length = len(sound) // BYTES
        if self._process is not None and not self._has_room(max(length, RESERVE * more)):
            self._process.finish()
            self._begin()
        self.open()
        self._passage = Passage(start, to_samples(self._working))
        self._passage.join(self.sent)
        return self._passage

    def _continues(self, passage: Passage, start: int, sound: bytes) -> bool:
        """Tell whether a window is the one that was heard last, and can be gone on with.

        One that was closed can be, because it was closed at a pause of the speech; the silence only
        made that longer.
        """
        if not passage.matches(start, sound):
            return False
        rest = len(passage.rest(sound)) // BYTES
        if rest == 0:
            return True
        if self.sent == 0 or not self._has_room(rest):
            return False
        if passage.closed:
            passage.closed = False
            passage.join(self.sent)
        return True

    def _has_room(self, samples: int) -> bool:
        """Tell whether a stretch and the pause behind it can be given to this program."""
        return self.sent == 0 or self.sent + samples + self._pause + 2 * BLOCK <= MOST

    def _give(self, passage: Passage, sound: bytes) -> None:
        passage.sound += sound
        self._carry += sound
        while len(self._carry) >= BLOCK_BYTES:
            self._send(passage)

    def _send(self, passage: Passage) -> None:
        process = self.open()
        block = bytes(self._carry[:BLOCK_BYTES])
        del self._carry[:BLOCK_BYTES]
        passage.hear(process.feed(block), self.sent)
        self.sent += BLOCK

    def _close(self, passage: Passage) -> None:
        """Get the last words of a window: with silence, or at the end of the program's input."""
        last = not self._has_room(RESERVE + self._pause)
        silence = 0 if last else self._pause * BYTES + BLOCK_BYTES
        self._carry += bytes(silence + -(len(self._carry) + silence) % BLOCK_BYTES)
        while self._carry:
            self._send(passage)
        if last:
            passage.hear(self.open().finish(), self.sent)
            self._begin()  # it loads while the next window is waited for
        passage.closed = True
