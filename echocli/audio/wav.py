"""The header of a WAV file, as far as it says what FFmpeg does not.

FFmpeg takes a truncated WAV for a whole one, and waits for the first 64 KiB of a PCM WAV to look
for S/PDIF (two seconds at 16 kHz mono, ``libavformat/wavdec.c``), too late for a live pipe. Format:
"Multimedia Programming Interface and Data Specifications 1.0", IBM and Microsoft, 1991.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

HEADER_LIMIT = 1 << 20
"""Bytes within which the sound of a WAV must start; larger headers are left to FFmpeg."""
STREAMED_FROM = 0x7FFF_F000
"""Data sizes from here on are place-holders of programs that write to a pipe, as is 0."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_ENCODINGS = {
    (_PCM, 8): "u8",
    (_PCM, 16): "s16le",
    (_PCM, 24): "s24le",
    (_PCM, 32): "s32le",
    (_FLOAT, 32): "f32le",
}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What the header states; ``encoding`` is ``None`` for anything but plain PCM."""

    encoding: str | None
    rate: int
    channels: int
    bytes_per_second: int
    offset: int
    """Position of the first sample in bytes."""
    size: int | None
    """Bytes of sound, ``None`` for a streamed WAV that does not know."""

    @property
    def seconds(self) -> float | None:
        """Stated length."""
        if self.size is None or self.bytes_per_second <= 0:
            return None
        return self.size / self.bytes_per_second


def parse_wav(peek: Callable[[int], bytes]) -> WavHeader | None:
    """Read the header; ``peek(n)`` gives the first ``n`` bytes, fewer where the input is shorter.

    ``None`` means: not a WAV, or one that is better left to FFmpeg.
    """
    start = peek(12)
    if start[:4] != b"RIFF" or start[8:12] != b"WAVE":
        return None
    position, form = 12, b""
    while position <= HEADER_LIMIT:
        chunk = peek(position + 8)[position:]
        if len(chunk) < 8:
            return None
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            return _header(form, position + 8, size)
        if name == b"fmt ":
            form = peek(position + 8 + min(size, 40))[position + 8 :]
        position += 8 + size + size % 2
    return None


def _header(form: bytes, offset: int, size: int) -> WavHeader | None:
    if len(form) < 16:
        return None
    tag, channels, rate, per_second, _, bits = struct.unpack("<HHIIHH", form[:16])
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack("<H", form[24:26])
    known = None if size == 0 or size >= STREAMED_FROM else size
    return WavHeader(_ENCODINGS.get((tag, bits)), rate, channels, per_second, offset, known)
