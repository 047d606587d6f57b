"""A file as a source: anything FFmpeg reads, also the sound of a video, in constant memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from echocli.audio.stream import ByteStream
from echocli.audio.wav import HEADER_LIMIT, parse_wav
from echocli.errors import InputError
from echocli.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from echocli.audio.container import ContainerReader

MISSING = 0.5
"""Seconds that may be missing at the end before it is worth a notice: more than encoder padding."""
FILLED = 1.0
"""Seconds of filled gaps worth a notice; shorter ones are how some recorders write silence."""
_FILE_LEAST = SAMPLE_RATE
_STREAM_LEAST = SAMPLE_RATE // 10


class FileSource:
    """Read one file; ``channel`` (1-based) picks a channel instead of mixing all.

    Entering the context opens the file and fills ``duration``; a FIFO or device is opened when its
    blocks are asked for, because that waits for the writer. Raises :class:`InputError` naming the
    file for anything that gives no sound, :class:`UsageError` for a channel it does not have.
    """

    def __init__(self, path: str | os.PathLike[str], *, channel: int | None = None) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.duration: float | None = None
        self.notices: list[str] = []
        self._channel = channel
        self._handle: BinaryIO | None = None
        self._reader: ContainerReader | None = None
        self._promised: float | None = None

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of a second; of a tenth or more where the file is a FIFO."""
        from echocli.audio.container import reblock

        reader = self._reader or self._start()
        regular = stat.S_ISREG(_status(self.path, self.name).st_mode)
        yield from reblock(reader.chunks(), _FILE_LEAST if regular else _STREAM_LEAST)
        if not reader.samples:
            raise reader.unreadable("holds no sound that can be read")
        self.notices += reading_notices(self.name, reader, self._promised)

    def _start(self) -> ContainerReader:
        from echocli.audio.container import ContainerReader

        regular = check_file(self.path, self.name) is not None
        handle = self._handle = open_file(self.path, self.name)
        stream = ByteStream(handle, self.name)
        wav = self._wav(stream) if regular else None
        if not stream.seekable() and not stream.peek(1):
            raise empty(self.name)
        self._reader = reader = ContainerReader(stream, self._channel)
        if regular:
            self.duration = reader.stated
            self._promised = wav or reader.promised
        return reader

    def _wav(self, stream: ByteStream) -> float | None:
        """Return the length a WAV header states; FFmpeg only tells what is there."""
        header = parse_wav(lambda size: self._head(stream, size))
        stream.seek(0)
        return header.seconds if header else None

    def _head(self, stream: ByteStream, size: int) -> bytes:
        stream.seek(0)
        return stream.peek(min(size, HEADER_LIMIT))

    def __enter__(self) -> Self:
        try:
            if check_file(self.path, self.name) is not None:
                self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it twice is harmless."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def reading_notices(name: str, reader: ContainerReader, promised: float | None) -> list[str]:
    """Say in one line what was wrong with a file that gave sound, if anything was."""
    read = reader.samples / SAMPLE_RATE
    parts = []
    if promised is not None and promised - read > MISSING:
        parts.append(f"ends early: {read:.1f} s of {promised:.1f} s could be read")
    if reader.damaged:
        parts.append(f"is damaged: {reader.damaged} packets could not be decoded")
    if reader.filled >= FILLED:
        parts.append(f"has gaps: {reader.filled:.1f} s were filled with silence")
    return [f"{name}: " + "; ".join(parts)] if parts else []


def check_file(path: Path, name: str) -> int | None:
    """Return the size of an ordinary file, ``None`` of a FIFO or device.

    Raises ``InputError`` for what cannot hold sound.
    """
    status = _status(path, name)
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{name}: is a directory", hint="name the files in it, as in DIR/*.wav")
    if not stat.S_ISREG(status.st_mode):
        return None
    if status.st_size == 0:
        raise empty(name)
    return status.st_size


def empty(name: str) -> InputError:
    """Return the error for a file without a byte."""
    return InputError(f"{name}: is empty", hint="nothing was recorded: record or fetch it again")


def open_file(path: Path, name: str) -> BinaryIO:
    """Open a file to read what is there without waiting for more; raise ``InputError``."""
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(name, error) from error


def _status(path: Path, name: str) -> os.stat_result:
    try:
        return path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError | ValueError) -> InputError:
    if "://" in name and not isinstance(error, PermissionError):
        return InputError(f"{name}: URLs are not supported", hint="download it first")
    if isinstance(error, FileNotFoundError):
        return InputError(f"{name}: no such file", hint="check the spelling and the directory")
    if isinstance(error, PermissionError):
        return InputError(f"{name}: no permission to read it", hint=f"check: ls -l {name}")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"{name}: cannot be opened: {reason}", hint="check the path")
