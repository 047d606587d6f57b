"""The messages of ``/ws/live-listener``: what its clients send, and what they read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from echocli.types import Segment
from echocli.wire.codes import MAX_TEXT, Code, Malformed
from echocli.wire.messages import Format, SourceStart, Start

PATH = "/ws/live-listener"
"""Where the server speaks it."""

RATE = 16_000
"""Samples per second; there is no other."""

WIDTH = 2
"""Bytes of a sample."""

SOURCES = ("mic", "system")
"""The sources, the most urgent first."""

START = Start(RATE, Format.PCM_S16LE, 1, tuple(SourceStart(name) for name in SOURCES))
"""What a session is begun with, whatever the client calls it."""

_MAGIC = b"EP\x01"
_OF_BYTE = {0: "system", 1: "mic"}
_OF_NAME = {"mic": "mic", "microphone": "mic", "system": "system"}
_FORMAT = {"sample_rate": RATE, "format": "pcm_s16le", "channels": 1}
_IDS = ("session_id", "attempt_id", "connection_id")


class Standing(StrEnum):
    """What a ``status`` message says of the session."""

    CONNECTED = "connected"
    """Not ready: send nothing yet."""
    STREAMING = "streaming"
    """The model is warm: sound is taken."""
    BUFFERING = "buffering"
    """Slower than speech; text comes later."""
    BACKPRESSURE = "backpressure"
    """The input buffer is nearly full."""
    OVERLOADED = "overloaded"
    """It is full, or speech is put aside."""
    RECONNECTING = "reconnecting"
    """Another provider takes over; `streaming` follows."""
    WARNING = "warning"
    """Something the user should know."""
    ERROR = "error"
    """It is over."""
    NO_ASR_PROVIDER = "no_asr_provider"
    """There is nothing that could transcribe."""


BEFORE_READY = frozenset(
    {Standing.CONNECTED, Standing.RECONNECTING, Standing.ERROR, Standing.NO_ASR_PROVIDER}
)
"""States after which a client sends no sound; after all others the original one does."""

LEVELS: Mapping[str, Standing] = {
    "NORMAL": Standing.STREAMING,
    "WARNING": Standing.BUFFERING,
    "DEGRADE": Standing.BUFFERING,
    "EMERGENCY": Standing.OVERLOADED,
    "FAILOVER": Standing.OVERLOADED,
}
"""Level of the ladder → what is said of it."""


def text_limit(frame_bytes: int) -> int:
    """Return how many characters a text message may have: base64 makes four of three bytes."""
    return MAX_TEXT + frame_bytes * 4 // 3


def read_start(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids of a ``start``; raises ``Malformed`` for sound of another kind."""
    for name, only in _FORMAT.items():
        if (value := found.get(name, only)) != only or isinstance(value, bool):
            text = f"{name} is {str(value)[:40]}: only {RATE} Hz, pcm_s16le, 1 channel is taken"
            raise Malformed(text, Code.BAD_FORMAT)
    return {name: found[name][:256] for name in _IDS if isinstance(found.get(name), str)}


def read_audio(found: Mapping[str, Any]) -> tuple[str, bytes]:
    """Return source and samples of an ``audio`` message; raises ``Malformed``."""
    name, data = found.get("source", "system"), found.get("data")
    source = _OF_NAME.get(name.lower()) if isinstance(name, str) else None
    if source is None or not isinstance(data, str):
        raise Malformed("audio needs the source system or mic, and its data in base64")
    try:
        return source, base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the data of audio is no base64") from None


def read_frame(data: bytes) -> tuple[str, bytes]:
    """Return source and samples of a binary message; samples without a header are the system's."""
    if data[: len(_MAGIC)] == _MAGIC and data[3:4] and data[3] in _OF_BYTE:
        return _OF_BYTE[data[3]], data[4:]
    return "system", data


def asr(segment: Segment, *, final: bool) -> dict[str, Any]:
    """Return ``asr_partial`` or ``asr_final``; times in seconds of its source."""
    return {
        "type": "asr_final" if final else "asr_partial",
        "text": segment.text.strip(),
        "t0": round(segment.start, 3),
        "t1": round(segment.end, 3),
        "confidence": segment.confidence,
        "stable": final,
        "source": segment.source,
        "language": segment.language,
        "segment_id": f"{segment.source}-{segment.id}",
    }


def summary(session: str | None, finals: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``final_summary``: the transcript, in order of time.

    What the original drew from it, such as decisions, is not EchoCLI's: those lists are empty.
    """
    segments = sorted(finals, key=lambda one: float(one["t0"]))
    lines = [f"- [{_clock(one['t0'])}] {one['source']}: {one['text']}" for one in segments]
    found = {"session_id": session, "transcript": segments}
    empty: dict[str, Any] = {"actions": [], "decisions": [], "risks": [], "entities": {}}
    return {
        "type": "final_summary",
        "segments": len(segments),
        "markdown": "\n".join(["# Transcript", "", *lines]),
        "json": found | empty,
    }


def _clock(secs: float) -> str:
    minutes, rest = divmod(int(secs), 60)
    return f"{minutes}:{rest:02d}"
