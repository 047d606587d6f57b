"""An input on its way to a server: opened once, and sent as often as it takes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from echocli.environment import Environment
from echocli.errors import InputError

STDIN = "-"
"""The input that stands for standard input."""


class Upload:
    """What an input held when it was opened, to be read from its start again and again.

    Its length is sent ahead, so what is written to it meanwhile is left out. Raises ``InputError``
    where it cannot be read, or does not hold as much any more.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._size = file.seek(0, os.SEEK_END)
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes at most; none at the end."""
        left = self._size - self._at
        with _blaming(self._name):
            self._file.seek(self._at)
            data = self._file.read(left if size < 0 else min(size, left))
        if left and not data:
            raise InputError(f"{self._name}: became shorter while it was sent")
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place counted from the start or, with ``SEEK_END``, from the end."""
        self._at = offset + (self._size if whence == os.SEEK_END else 0)
        return self._at

    def tell(self) -> int:
        """Return the place of what is read next."""
        return self._at


@contextmanager
def opened(sound: str, environment: Environment) -> Iterator[Upload]:
    """Open an input; what can be read only once, as a pipe, is copied first.

    Raises ``InputError``.
    """
    if sound == STDIN:
        with _copied(environment.stdin, "stdin") as copy:
            yield Upload(copy, "stdin")
        return
    with ExitStack() as stack:
        with _blaming(sound):
            file: IO[bytes] = stack.enter_context(Path(sound).open("rb", buffering=0))
        if not file.seekable():
            file = stack.enter_context(_copied(file, sound))
        yield Upload(file, sound)


@contextmanager
def _copied(stream: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """Yield what a stream holds as a file that is gone when it is closed."""
    with ExitStack() as stack:
        with _blaming(name):
            copy = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(stream, copy)
        if not copy.tell():
            raise InputError(f"{name}: nothing arrived")
        yield copy


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Raise what the system says against as an error of the input."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from error
