"""Standard output as a text sink: never short of a character, and honest about its end."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from io import TextIOWrapper
from typing import NoReturn, TextIO

from echocli.errors import OutputError
from echocli.output.text import printable, valid

_GONE = {errno.EPIPE, errno.ESHUTDOWN}


class ReaderGone(BrokenPipeError):
    """Nobody reads standard output any more (``| head``): end quietly, with exit code 0."""


class StdoutSink:
    """Collect text and hand it over, whole, at each ``flush``.

    On a terminal control characters are shown, not obeyed (:func:`printable`), and the write
    happens inside ``above()``, which moves a progress bar out of the way; elsewhere the text goes
    out as it is. Raises :class:`ReaderGone` when the reader went away and ``OutputError`` when the
    text cannot be written; after either, the stream leads nowhere, so that the interpreter's last
    flush cannot fail once more. ``stream`` is ``None`` where the process was started without one.
    """

    def __init__(
        self,
        stream: TextIO | None,
        above: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        if stream is None:
            raise OutputError("standard output is closed", hint="write files with --output-dir")
        fit(stream)
        self._stream = stream
        self._above = above
        self._is_terminal = stream.isatty()
        self._pending: list[str] = []

    def write(self, text: str, /) -> None:
        """Take text; nothing is written before ``flush``."""
        self._pending.append(valid(text))

    def flush(self) -> None:
        """Write what was collected and make the system take it."""
        text = "".join(self._pending)
        self._pending.clear()
        try:
            with self._above():
                self._stream.write(printable(text) if self._is_terminal else text)
                self._stream.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        lead_nowhere(self._stream)
        # Windows reports a closed pipe as an invalid argument.
        if error.errno in _GONE or (os.name == "nt" and error.errno == errno.EINVAL):
            raise ReaderGone(error.errno, error.strerror) from error
        message = f"cannot write to standard output: {error.strerror or error}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "the disk is full: free some space" if full else "check where stdout leads to"
        raise OutputError(message, hint=hint) from error


def fit(stream: TextIO) -> None:
    r"""Make a stream take every character, whatever the locale or the code page.

    Files and pipes get UTF-8, so that a program always reads the same. A terminal keeps its own
    encoding, because it would show UTF-8 as something else; what that lacks is shown as ``\uXXXX``.
    """
    if isinstance(stream, TextIOWrapper):
        encoding = stream.encoding if stream.isatty() else "utf-8"
        stream.reconfigure(encoding=encoding, errors="backslashreplace")


def lead_nowhere(stream: TextIO) -> None:
    """Point a stream's descriptor at the null device; streams without one are left alone."""
    with suppress(OSError, ValueError):
        descriptor = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, descriptor)
        finally:
            os.close(null)
