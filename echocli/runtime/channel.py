"""Whole messages over a pair of pipes: an eight-byte length, then a pickle.

Both ends are this program, so pickle is safe here; it must never read from anywhere else. Sound is
sent as the array's own buffer, without a copy.
"""

from __future__ import annotations

import pickle
import struct
import threading
from typing import Any, BinaryIO

_HEADER = struct.Struct("!Q")


class Channel:
    """Send and receive Python values; one thread may read while several write."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        """Send one value; raise ``OSError`` or ``ValueError`` when the other end is gone."""
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._writer.write(_HEADER.pack(len(body)))
            self._writer.write(body)
            self._writer.flush()

    def receive(self) -> Any:
        """Wait for one value; raise ``EOFError`` when the other end is gone."""
        (length,) = _HEADER.unpack(self._exactly(_HEADER.size))
        return pickle.loads(self._exactly(length))

    def _exactly(self, size: int) -> bytes:
        data = self._reader.read(size)
        if len(data) < size:
            raise EOFError("the other end closed the channel")
        return data
