"""Binary frames: sound with where it belongs.

A frame is a header of 16 bytes, little endian, and samples as ``start`` announced them::

    0   2  b"EC"
    2   1  version, 1
    3   1  index of the source in ``start``
    4   4  number of the frame, per source; wraps
    8   8  position of its first sample, at the session's rate; channels are one sample
    16  …  samples
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from echocli.wire.codes import MAX_FRAME, MAX_POSITION, VERSION, Code, Malformed

MAGIC = b"EC"

_HEADER = struct.Struct("<2sBBIQ")

HEADER = _HEADER.size
"""Bytes of the header."""

WRAP = 2**32
"""The number of a frame starts over here."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Sound of one source."""

    source: int
    """Index of the source in ``start``, from 0."""
    sequence: int
    """Number of the frame, per source, modulo :data:`WRAP`."""
    index: int
    """Absolute position of the first sample at the session's rate."""
    payload: bytes
    """The samples as bytes; channels interleaved."""


def encode(frame: Frame) -> bytes:
    """Return a frame as bytes; the number of the frame wraps by itself."""
    number = frame.sequence % WRAP
    return _HEADER.pack(MAGIC, VERSION, frame.source, number, frame.index) + frame.payload


def decode(data: bytes) -> Frame:
    """Read a frame; raises :class:`Malformed`.

    Whether the source exists and the samples are whole, only who knows ``start`` can tell.
    """
    if len(data) < HEADER:
        raise Malformed(f"a frame of {len(data)} bytes is shorter than its header of {HEADER}")
    if len(data) - HEADER > MAX_FRAME:
        text = f"a frame holds {len(data) - HEADER} bytes of sound, more than {MAX_FRAME}"
        raise Malformed(text, Code.TOO_LARGE)
    magic, version, source, sequence, index = _HEADER.unpack_from(data)
    if magic != MAGIC or version != VERSION:
        raise Malformed(f"a frame does not begin with EC and version {VERSION}")
    if index > MAX_POSITION:
        raise Malformed(f"a frame says that it begins at sample {index}")
    return Frame(source, sequence, index, bytes(data[HEADER:]))
