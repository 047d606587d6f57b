"""Bytes in: one reader for files and pipes that FFmpeg can call back."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import BinaryIO

from echocli.errors import InputError

_HEAD = 1024
"""Bytes kept to tell what an input is that nothing could be read from."""
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1b")


class ByteStream:
    """Read a binary file object, handing over what is there instead of waiting for more.

    An exception inside a callback of FFmpeg would be swallowed (``KeyboardInterrupt``) or lose its
    cause, so ``read`` keeps it, says "end of file", and :meth:`check` raises it afterwards.
    """

    def __init__(self, handle: BinaryIO, name: str) -> None:
        self.name = name
        self.count = 0
        self.head = b""
        """What came first."""
        self._handle = handle
        self._read: Callable[[int], bytes] = getattr(handle, "read1", handle.read)
        self._ahead = b""
        self._error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes as soon as there are any; empty at the end."""
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        if self._error is not None:
            return b""
        try:
            data = self._read(size)
        except BaseException as error:
            self._error = error
            return b""
        self.count += len(data)
        self.head = self.head or data[:_HEAD]
        return data

    def peek(self, size: int) -> bytes:
        """Return the next ``size`` bytes without taking them; waits for them or for the end."""
        parts = [self._ahead]
        have, self._ahead = len(self._ahead), b""
        while have < size and (data := self.read(size - have)):
            parts.append(data)
            have += len(data)
        self._ahead = b"".join(parts)
        self.check()
        return self._ahead[:size]

    def check(self) -> None:
        """Raise what went wrong while FFmpeg was reading."""
        error, self._error = self._error, None
        if isinstance(error, OSError):
            raise InputError(f"{self.name}: cannot be read: {error.strerror or error}") from error
        if error is not None:
            raise error

    def seekable(self) -> bool:
        """Tell whether the input can be rewound, as a file can and a pipe cannot."""
        try:
            return self._handle.seekable()
        except (AttributeError, ValueError):
            return False

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as :meth:`io.IOBase.seek` does."""
        self._ahead = b""
        return self._handle.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._handle.tell() - len(self._ahead)


def is_text(head: bytes) -> bool:
    """Tell whether the first bytes of an input are clearly text: UTF-8, or UTF-16 with its mark."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # its last letter may be cut
    except UnicodeDecodeError:
        return False
    return bool(head) and _CONTROL.isdisjoint(head)
