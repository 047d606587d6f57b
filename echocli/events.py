"""What happens during a transcription, as a closed union of values.

Both files and live sources give this stream; ``output`` turns it into text, subtitles or JSON
lines. A consumer matches on the class; :data:`Event` lists all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from echocli.types import Segment


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is warm and the first samples have arrived; times count from here."""

    type: ClassVar[str] = "ready"
    source: str
    """The input, such as a path or the name of a microphone."""
    provider: str
    """The provider that decodes, such as ``faster-whisper``."""
    model: str
    """The model, such as ``tiny.en``."""
    model_revision: str | None = None
    """Revision of the weights; null where nobody knows."""
    model_sha256: str | None = None
    """SHA-256 of the file of weights, where it was recorded or computed."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak; live sources only."""

    type: ClassVar[str] = "speech_started"
    id: int
    """Number of the utterance, and of the final that is to come."""
    start: float
    """Where the speech begins, in seconds."""
    source: str | None = None
    """The input it came from."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """An utterance is over; its final follows, unless it holds no words. Live sources only."""

    type: ClassVar[str] = "speech_ended"
    id: int
    """Number of the utterance."""
    start: float
    """Where the speech began, in seconds."""
    end: float
    """Where the speech ended, in seconds, without the silence that was waited."""
    reason: str
    """``silence``, ``split`` (too long for one utterance), ``gap`` (sound was lost) or ``end`` (of
    the source)."""
    source: str | None = None
    """The input it came from."""


@dataclass(frozen=True, slots=True)
class Partial:
    """What an utterance that is not over sounds like so far; live sources only."""

    type: ClassVar[str] = "partial"
    segment: Segment
    """Its text so far; flat in JSON."""
    committed: str
    """What the text begins with and will not change any more: it only grows up to the final of the
    same ``id``; the rest may change."""


@dataclass(frozen=True, slots=True)
class Final:
    """A segment that will not change any more."""

    type: ClassVar[str] = "final"
    segment: Segment
    """The text; flat in JSON."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Sound that has no text although it may hold speech, or that was lost."""

    type: ClassVar[str] = "gap"
    start: float
    """Where it begins, in seconds."""
    end: float
    """Where it ends, in seconds."""
    reason: str
    """Why; it begins with ``spooled`` where a backfill will fill it, with ``discarded`` where what
    was kept could not be decoded after all."""
    source: str | None = None
    """The input it came from."""


SPOOLED = "spooled"
"""Begins the reason of a gap that a :class:`Backfill` will fill."""

DISCARDED = "discarded"
"""Begins the reason of one that nothing will."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A segment that fills a gap stated before: its sound was kept and is decoded now."""

    type: ClassVar[str] = "backfill"
    segment: Segment
    """The text; flat in JSON."""


@dataclass(frozen=True, slots=True)
class Level:
    """The level of the ladder has changed, or what is done within one, and that is in force."""

    type: ClassVar[str] = "level"
    from_: str
    """The level before: ``NORMAL``, ``WARNING``, ``DEGRADE``, ``EMERGENCY`` or ``FAILOVER``."""
    to: str
    """The level from now on; that before where only what is done within it changes."""
    reason: str
    """What led to it, in words."""
    rtf: float | None
    """Real-time factor that led to it."""
    backlog: float
    """Seconds of speech that waited then."""
    effects: tuple[str, ...]
    """What is done otherwise, in words."""
    position: float = 0.0
    """From where on, in seconds."""


@dataclass(frozen=True, slots=True)
class Failover:
    """Another provider or model serves from now on, or the same in a fresh process."""

    type: ClassVar[str] = "failover"
    from_: str
    """Who served, as ``PROVIDER:MODEL``."""
    to: str
    """Who serves, as ``PROVIDER:MODEL``; the same where it was started again."""
    reason: str
    """Why, in words."""
    replayed_seconds: float = 0.0
    """Sound that was with the one that failed and is decoded again."""


@dataclass(frozen=True, slots=True)
class Meter:
    """How loud a live source was since the last one; four times a second."""

    type: ClassVar[str] = "meter"
    position: float
    """Up to where, in seconds."""
    rms: float
    """Root mean square in dB below full scale, -100 at least."""
    peak: float
    """Highest sample in dB below full scale, -100 at least."""
    source: str | None = None
    """The input it came from."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know."""

    type: ClassVar[str] = "notice"
    code: str
    """What it is, for programs; stable."""
    message: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the decoder has come, in seconds; ``total`` is ``None`` for a pipe.

    Internal to the terminal display: it is not part of the JSON stream.
    """

    type: ClassVar[str] = "progress"
    position: float
    total: float | None


@dataclass(frozen=True, slots=True)
class StatsEvent:
    """The figures of this run, made by :class:`echocli.runtime.stats.RunStats`."""

    type: ClassVar[str] = "stats"
    stats: dict[str, Any]
    """The figures, as in the transcript."""


@dataclass(frozen=True, slots=True)
class End:
    """The source is over."""

    type: ClassVar[str] = "end"
    duration: float
    """What was read of it, in seconds."""
    language: str | None
    """Language code, where it is known."""


Event: TypeAlias = (
    Ready
    | SpeechStarted
    | Partial
    | Final
    | SpeechEnded
    | Meter
    | Gap
    | Backfill
    | Level
    | Failover
    | Notice
    | Progress
    | StatsEvent
    | End
)
