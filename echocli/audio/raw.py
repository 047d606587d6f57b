"""A named file of headerless PCM as a source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from echocli.audio.file import check_file, empty, open_file
from echocli.audio.pipe import PipeSource, RawFormat
from echocli.errors import InputError
from echocli.types import Samples


class _RawStream(PipeSource):
    """The bytes of a file, which has another way to be empty than standard input."""

    def _nothing(self) -> InputError:
        return empty(self.name)


class RawFileSource:
    """Read one file of headerless PCM laid out as ``raw``; ``channel`` is 1-based.

    Entering the context checks the file and fills ``duration``; it is open while its blocks are
    asked for, because a FIFO waits for its writer. Raises :class:`InputError` naming the file for
    what cannot be read or is empty, :class:`UsageError` for a channel it does not have.
    """

    def __init__(self, path: str, *, raw: RawFormat, channel: int | None = None) -> None:
        self.path = Path(path)
        self.name = path
        self.duration: float | None = None
        self.notices: list[str] = []
        self._raw = raw
        self._channel = channel
        self._handle: BinaryIO | None = None

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of at most a second."""
        self._handle = open_file(self.path, self.name)
        stream = _RawStream(self._handle, raw=self._raw, name=self.name, channel=self._channel)
        yield from stream.blocks()
        self.notices += stream.notices

    def __enter__(self) -> Self:
        size = check_file(self.path, self.name)
        if size is not None:
            self.duration = size // self._raw.frame_bytes / self._raw.rate
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None
