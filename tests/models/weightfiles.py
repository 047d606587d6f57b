"""Weights for servers in tests: by their form a Whisper model of CTranslate2, with one tensor."""

from __future__ import annotations

import struct


def make_weights(tag: str, size: int = 70_000) -> bytes:
    """Return the ``size`` bytes of a ``model.bin`` that says ``tag`` over and over."""
    head = struct.pack("<I", 6) + _text("WhisperSpec") + struct.pack("<II", 3, 1) + _text("w")
    count = size - len(head) - struct.calcsize("<BIBI") - struct.calcsize("<I")
    tensor = struct.pack("<BIBI", 1, count, 1, count) + (tag.encode() * count)[:count]
    return head + tensor + struct.pack("<I", 0)


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"
