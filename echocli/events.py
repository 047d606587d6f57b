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
    """The model is loaded and the first samples have arrived."""

    type: ClassVar[str] = "ready"
    source: str
    provider: str
    model: str
    model_revision: str | None = None
    model_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak at ``start`` (seconds); ``id`` is that of the coming final."""

    type: ClassVar[str] = "speech_started"
    id: int
    start: float
    source: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """An utterance is over; its final follows, unless it holds no words.

    ``end`` is the end of speech, without the silence that was waited. ``reason`` is ``silence``,
    ``split`` (too long for one utterance), ``gap`` (sound was lost) or ``end`` (of the source).
    """

    type: ClassVar[str] = "speech_ended"
    id: int
    start: float
    end: float
    reason: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """What an utterance that is not over sounds like so far.

    The segment's text begins with ``committed``, which only ever grows up to the final of the same
    ``id``; the rest may change.
    """

    type: ClassVar[str] = "partial"
    segment: Segment
    committed: str


@dataclass(frozen=True, slots=True)
class Final:
    """A segment that will not change any more."""

    type: ClassVar[str] = "final"
    segment: Segment


@dataclass(frozen=True, slots=True)
class Gap:
    """Sound from ``start`` to ``end`` (seconds) that has no text although it may hold speech."""

    type: ClassVar[str] = "gap"
    start: float
    end: float
    reason: str
    source: str | None = None


SPOOLED = "spooled"
"""Begins the reason of a gap that a :class:`Backfill` will fill."""

DISCARDED = "discarded"
"""Begins the reason of one that nothing will."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A segment that fills a gap stated before: its sound was kept and is decoded now."""

    type: ClassVar[str] = "backfill"
    segment: Segment


@dataclass(frozen=True, slots=True)
class Level:
    """The level of the ladder has changed, and what that means is in force.

    ``rtf`` and ``backlog`` (seconds) are what led to it, ``effects`` says in words what is done
    otherwise, ``position`` (seconds) from where on.
    """

    type: ClassVar[str] = "level"
    from_: str
    to: str
    reason: str
    rtf: float | None
    backlog: float
    effects: tuple[str, ...]
    position: float = 0.0


@dataclass(frozen=True, slots=True)
class Failover:
    """Another provider or model serves from now on, each as ``PROVIDER:MODEL``.

    ``replayed_seconds`` is the sound that was with the one that failed and is decoded again.
    """

    type: ClassVar[str] = "failover"
    from_: str
    to: str
    reason: str
    replayed_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Meter:
    """How loud a source was up to ``position`` (seconds), in dB below full scale.

    ``rms`` and ``peak`` are of the sound since the last one, -100 at least.
    """

    type: ClassVar[str] = "meter"
    position: float
    rms: float
    peak: float
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know; ``code`` is stable, ``message`` is for people."""

    type: ClassVar[str] = "notice"
    code: str
    message: str


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
    """The figures of this run; see :class:`echocli.runtime.stats.RunStats`."""

    type: ClassVar[str] = "stats"
    stats: dict[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """The source is over; ``duration`` is what was read of it, in seconds."""

    type: ClassVar[str] = "end"
    duration: float
    language: str | None


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
