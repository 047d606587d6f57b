"""One run of the program voxtral: blocks of sound in, text out, and never waiting for ever.

How antirez/voxtral.c behaves (``main.c``, ``voxtral.c``): with ``--stdin`` it takes four bytes to
tell WAV from raw sound, then blocks of 8192 bytes; it works on each block, and prints and flushes
what it heard, before it takes the next one. It prints no newline until its input ends, then the
last words and one newline. Nothing tells how far it is, except that the pipe to it runs empty: a
block is only written into an empty pipe, so when it has been taken all blocks before are done, and
their text is here. ``Model loaded.`` comes on standard error, unless it is told to be silent.
"""

from __future__ import annotations

import codecs
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from echocli.providers import voxtral_tether

BLOCK_BYTES = 8192
"""What the program takes at once."""

LEAD = bytes(4)
"""Two silent samples before the first block: what it looks at for the header of a WAV file."""

READY = "Model loaded."

OWN_CHOICES = {"VOX_DISABLE_CUDA_ENCODER_FULL": "1"}
"""Variables for the program: builds for CUDA else wait for 20 s of sound (``voxtral.c``)."""

_SHORTEST_LOOK, _LONGEST_LOOK = 0.0005, 0.01
_KEPT_LINES = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to wait for the program."""

    load: float = 120.0
    """For the model."""
    stall: float = 30.0
    """For it to take a block, or to say the rest."""
    grace: float = 5.0
    """For it to end once its input has ended."""


class Fallen(Exception):
    """The program has ended or hangs; the text says how, with its last words."""


class Process:
    """A running program; used by one thread at a time, the one that started it."""

    def __init__(
        self, command: Sequence[str], limits: Limits | None = None, *, threads: int = 0
    ) -> None:
        self._limits = limits or Limits()
        self._name = Path(command[0]).name
        # The reading end stays open here too: it tells what has not been taken yet.
        self._taken_from, self._stdin = os.pipe()
        os.set_blocking(self._stdin, False)
        tether = (sys.executable, "-I", "-S", voxtral_tether.__file__, str(os.getpid()))
        self._process = subprocess.Popen(
            [*tether, *command],
            stdin=self._taken_from,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_variables(threads),
            bufsize=0,
        )
        self._started = time.monotonic()
        self._ready = self._ended = False
        self._begun = False
        self._text = ""
        self._spoke = self._started
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._decode_text = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._decode_line = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._line = ""
        self._selector = selectors.DefaultSelector()
        self._listen_to(self._process.stdout, self._take_text)
        self._listen_to(self._process.stderr, self._take_lines)

    @property
    def pid(self) -> int:
        """Process id of the program."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last lines of its standard error."""
        return "; ".join([*self._lines, *filter(None, [self._line.strip()])][-3:])

    def wait_ready(self) -> None:
        """Wait until the model is loaded; raise :class:`Fallen` where that takes too long."""
        self._look(0)
        left = self._started + self._limits.load - time.monotonic()
        if not self._until(lambda: self._ready, left):
            raise self._fallen(f"did not load its model within {self._limits.load:g} s")

    def feed(self, block: bytes) -> str:
        """Write a block of ``BLOCK_BYTES`` and wait until it is taken.

        Returns the text that came meanwhile: that of all blocks before. Raises :class:`Fallen`.
        """
        data = memoryview(block if self._begun else LEAD + block)
        self._begun = True
        while data:
            data = data[self._write(data) :]
            if not self._until(lambda: self._untaken() == 0, self._limits.stall):
                raise self._fallen(f"took no sound for {self._limits.stall:g} s")
        self._look(0)  # what it printed before it took the block is in the pipe by now
        return self._said()

    def finish(self) -> str:
        """End its input and return the text that was still to come; the program ends then.

        Raises :class:`Fallen` where the rest does not come.
        """
        self._close_stdin()
        limit = self._limits.stall + self._limits.grace
        if not self._until(self._said_all, limit, ends=True):
            raise self._fallen(f"did not say its last words within {limit:g} s")
        text = self._said()
        if not text.endswith("\n") and self._status() != 0:
            raise self._fallen()
        self.end()
        return text.rstrip("\n")

    def end(self) -> None:
        """End its input, give it some time, then kill it; calling it twice is harmless."""
        if self._ended:
            return
        self._close_stdin()
        if self._ready:
            self._until(lambda: self._process.poll() is not None, self._limits.grace, ends=True)
        self.kill()

    def kill(self) -> None:
        """End it at once; calling it twice is harmless."""
        self._close_stdin()
        if self._ended:
            return
        self._ended = True
        self._process.kill()
        self._process.wait()
        self._look(0)
        self._selector.close()
        os.close(self._taken_from)
        for stream in (self._process.stdout, self._process.stderr):
            cast(BinaryIO, stream).close()

    def _until(self, reached: Callable[[], bool], limit: float, *, ends: bool = False) -> bool:
        """Take what it says until something is so; tell whether that was within the limit.

        Raises :class:`Fallen` where it ends before that, unless it may.
        """
        deadline, pause = time.monotonic() + limit, _SHORTEST_LOOK
        while not reached():
            if time.monotonic() > deadline:
                return False
            # Looked at before the pipes: what it said last is in them then.
            over = self._process.poll() is not None
            self._look(pause)
            if over:
                if reached() or ends:
                    return True
                raise self._fallen()
            pause = min(2 * pause, _LONGEST_LOOK)
        return True

    def _listen_to(self, stream: object, take: Callable[[bytes], None]) -> None:
        descriptor = cast(BinaryIO, stream).fileno()
        os.set_blocking(descriptor, False)
        self._selector.register(descriptor, selectors.EVENT_READ, take)

    def _look(self, pause: float) -> None:
        """Take all that it has said, waiting at most ``pause`` seconds for it."""
        while ready := self._selector.select(pause):
            pause = 0.0
            for key, _ in ready:
                with suppress(BlockingIOError):
                    if not (data := os.read(key.fd, 65536)):
                        self._selector.unregister(key.fd)
                    key.data(data)

    def _take_text(self, data: bytes) -> None:
        self._spoke = time.monotonic()
        self._text += self._decode_text(data, final=not data)

    def _take_lines(self, data: bytes) -> None:
        *lines, rest = (self._line + self._decode_line(data, final=not data)).split("\n")
        self._line = rest[-1000:]
        for line in lines:
            self._ready = self._ready or READY in line
            # Control characters are nothing for an error message.
            if words := "".join(filter(str.isprintable, line)).strip():
                self._lines.append(words)

    def _said(self) -> str:
        text, self._text = self._text, ""
        return text

    def _said_all(self) -> bool:
        """Tell whether its output has ended, or, where it does not end, its last line has.

        A newline is no end by itself: the model may write one too.
        """
        silent = cast(BinaryIO, self._process.stdout).fileno() not in self._selector.get_map()
        quiet = time.monotonic() - self._spoke
        return silent or (self._text.endswith("\n") and quiet > self._limits.grace)

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self._stdin, data)
        except BlockingIOError:
            return 0

    def _untaken(self) -> int:
        """Return the bytes in the pipe that the program has not read."""
        import fcntl
        import termios

        count = fcntl.ioctl(self._taken_from, termios.FIONREAD, bytes(4))
        return int.from_bytes(count, sys.byteorder)

    def _close_stdin(self) -> None:
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    def _status(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(self._limits.grace)
        return None

    def _fallen(self, how: str = "") -> Fallen:
        """End it and return the error that says what happened."""
        status = self._process.poll()
        if not how and status is not None:
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self.kill()
        words = f": {self.last_words}" if self.last_words else ""
        return Fallen(f"{self._name} {how}{words}")


def _variables(threads: int) -> dict[str, str]:
    """Return the program's variables; OpenBLAS gets the threads that are meant for it.

    The worker's own has one, because other providers do not compute with it.
    """
    variables = OWN_CHOICES | os.environ
    variables.pop("OPENBLAS_NUM_THREADS", None)
    return variables | ({"OPENBLAS_NUM_THREADS": str(threads)} if threads else {})
