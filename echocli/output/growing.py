"""Files that are whole whenever somebody looks: appended to, or replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from echocli.output.files import output_error
from echocli.output.temporary import create


class GrowingFile:
    """Append text to a file, whole at each ``flush``; what does not fit leaves nothing behind.

    It is tried again, before what comes later, with the next ``flush``. Raises ``OutputError`` that
    names the file.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self._path = path
        self._file = file
        self._pending: list[str] = []

    def write(self, text: str, /) -> None:
        """Take text; nothing is written before ``flush``."""
        self._pending.append(text)

    def flush(self) -> None:
        """Write what was taken."""
        data = memoryview("".join(self._pending).encode("utf-8", "replace"))
        with explained(self._path):
            size = os.fstat(self._file.fileno()).st_size
            try:
                while data:
                    data = data[self._file.write(data) :]
            except OSError:
                with suppress(OSError):
                    self._file.truncate(size)
                raise
        self._pending.clear()


class ReplacedFile:
    """Put text in the place of a whole file at each ``flush``; readers see the old or the new.

    Raises ``OutputError`` that names the file, which is the old one then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: list[str] = []

    def write(self, text: str, /) -> None:
        """Take text; nothing is written before ``flush``."""
        self._pending.append(text)

    def flush(self) -> None:
        """Make what was taken the whole file."""
        text = "".join(self._pending)
        self._pending.clear()
        with explained(self.path), ExitStack() as undo:
            file = create(self.path)
            undo.callback(file.remove)
            file.stream.write(text)
            file.rename(self.path)
            undo.pop_all()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system refuses in the block into an ``OutputError`` about ``path``."""
    try:
        yield
    except OSError as error:
        raise output_error(error, path) from error
