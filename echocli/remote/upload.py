"""An input on its way to a server: opened once, and sent as often as it takes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from echocli.environment import Environment
from echocli.errors import InputError, OutputError

STDIN = "-"
"""The input that stands for standard input."""

MOST = 2 * 2**30
"""Bytes that are copied at most of what can be read only once, as it may have no end: ten times
what a server takes unless somebody says otherwise (``--max-upload-mb``)."""

_PIECE = 2**20
"""Bytes copied at a time."""


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
def opened(sound: str, environment: Environment, most: int = MOST) -> Iterator[Upload]:
    """Open an input; what can be read only once, as a pipe, is copied first.

    Raises ``InputError``, also where more than ``most`` bytes would have to be copied, and
    ``OutputError`` where there is no room for the copy.
    """
    if sound == STDIN:
        with _copied(environment.stdin, "stdin", most) as copy:
            yield Upload(copy, "stdin")
        return
    with ExitStack() as stack:
        with _blaming(sound):
            file: IO[bytes] = stack.enter_context(Path(sound).open("rb", buffering=0))
        if not file.seekable():
            file = stack.enter_context(_copied(file, sound, most))
        yield Upload(file, sound)


@contextmanager
def _copied(stream: IO[bytes], name: str, most: int) -> Iterator[IO[bytes]]:
    """Yield what a stream holds as a file that is gone when it is closed."""
    with ExitStack() as stack:
        with _keeping(name):  # without a buffer, which would be written anywhere, and by `close`
            copy = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        size = 0
        for data in _pieces(stream, name):
            size += len(data)
            if size > most:
                raise InputError(
                    f"{name}: holds more than the {most / 2**20:.0f} MB that are copied of a pipe",
                    hint="send a longer recording as a file; for sound without end: echocli live",
                )
            with _keeping(name):
                _write(copy, data)
        if not size:
            raise InputError(f"{name}: nothing arrived")
        yield copy


def _pieces(stream: IO[bytes], name: str) -> Iterator[bytes]:
    while True:
        with _blaming(name):
            data = stream.read(_PIECE)
        if not data:
            return
        yield data


def _write(copy: IO[bytes], data: bytes) -> None:
    """Write all of it: a disk that becomes full takes a part first, and then complains."""
    left = memoryview(data)
    while left:
        left = left[copy.write(left) :]


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Raise what the system says against as an error of the input."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from error


@contextmanager
def _keeping(name: str) -> Iterator[None]:
    """Raise what the system says against as an error of the directory for temporary files."""
    try:
        yield
    except OSError as error:
        where = tempfile.tempdir or "a temporary file"
        raise OutputError(
            f"{name}: cannot be copied to {where}: {error.strerror or error}",
            hint="free some space, or choose another place with TMPDIR",
        ) from error
