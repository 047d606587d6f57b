"""The values every layer speaks: spans, words, segments, transcripts.

Inside the program a position is an integer number of samples at 16 kHz; seconds are floats and
appear only in :class:`Word`, :class:`Segment` and :class:`Transcript`, which are what people and
JSON readers see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Samples per second everywhere inside; what Whisper and Silero both want."""

SCHEMA = "echocli/transcript/1"
"""Value of ``Transcript.schema``; fields are only ever added under the same number."""

Samples: TypeAlias = "NDArray[np.float32]"
"""Mono sound: one-dimensional float32 in [-1, 1] at :data:`SAMPLE_RATE`."""


def seconds(samples: int) -> float:
    """Convert a sample count to seconds, to the millisecond."""
    return round(samples / SAMPLE_RATE, 3)


def to_samples(secs: float) -> int:
    """Convert seconds to the nearest sample count."""
    return round(secs * SAMPLE_RATE)


class Task(StrEnum):
    """What the model is asked to write."""

    TRANSCRIBE = "transcribe"
    """Text in the language that is spoken."""
    TRANSLATE = "translate"
    """English text, whatever is spoken."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of sound as half-open sample positions ``[start, end)``."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of samples."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its times in seconds; ``text`` keeps the leading space Whisper gives it."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """Final text with its times in seconds from the start of the input.

    ``confidence`` is ``clamp(1 + avg_logprob / 2, 0, 1)``: 1 for a certain text, 0 where the
    average token has a probability below e⁻². ``speaker`` is reserved and always ``None``.
    """

    id: int
    start: float
    end: float
    text: str
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    compression_ratio: float = 0.0
    confidence: float = 1.0
    temperature: float = 0.0
    words: tuple[Word, ...] | None = None
    language: str | None = None
    source: str | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole result: the text, its segments and how it came about."""

    text: str
    language: str | None
    duration: float
    segments: tuple[Segment, ...]
    provider: str
    model: str
    stats: Mapping[str, Any] = field(default_factory=dict)
    schema: str = SCHEMA
    model_revision: str | None = None
    """Of the weights, as far as it is known."""
    model_sha256: str | None = None
    """Of the file of weights."""
