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
    """One word with its times."""

    start: float
    """Where it begins, in seconds."""
    end: float
    """Where it ends, in seconds."""
    text: str
    """The word, with the space before it where there is one."""
    probability: float
    """Mean probability of its tokens."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Final text with its times from the start of the input."""

    id: int
    """Number of the segment; of a live one, number of its utterance."""
    start: float
    """Where the speech begins, in seconds."""
    end: float
    """Where the speech ends, in seconds."""
    text: str
    """The text as the model wrote it; it may begin with a space."""
    avg_logprob: float = 0.0
    """Mean natural logarithm of the tokens' probabilities; 0 is certain."""
    no_speech_prob: float = 0.0
    """How sure the model is that nobody speaks."""
    compression_ratio: float = 0.0
    """Length of the text ÷ its length compressed; high for repetitions."""
    confidence: float = 1.0
    """1 + ``avg_logprob`` ÷ 2, kept between 0 and 1: 1 for a certain text, 0 where the average
    token has a probability below e⁻²."""
    temperature: float = 0.0
    """Sampling temperature of the decode that was kept; 0 is greedy or beam search."""
    words: tuple[Word, ...] | None = None
    """Its words; only there with ``--word-timestamps``, or where ``-f html`` is written too."""
    language: str | None = None
    """Language of this segment, where it is known."""
    source: str | None = None
    """The input it came from, where there are several."""
    speaker: str | None = None
    """Reserved."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole result: the text, its segments and how it came about."""

    text: str
    """The whole text."""
    language: str | None
    """Language code such as ``en``."""
    duration: float
    """Length of the input in seconds, or of what was read where that is not known."""
    segments: tuple[Segment, ...]
    """The segments in order of time."""
    provider: str
    """The provider that decoded it, such as ``faster-whisper``."""
    model: str
    """The model, such as ``tiny.en``."""
    stats: Mapping[str, Any] = field(default_factory=dict)
    """The figures of this run."""
    schema: str = SCHEMA
    """What this is, with the number of its version."""
    model_revision: str | None = None
    """Revision of the weights: a commit of their repository, a version of their package; null where
    nobody knows."""
    model_sha256: str | None = None
    """SHA-256 of the file of weights, where it was recorded or computed."""
