"""What the transcript of an input is made of, gathered from its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from echocli.events import Backfill, End, Event, Final, Gap, StatsEvent
from echocli.output.gaps import OpenGaps
from echocli.providers.base import LoadSpec
from echocli.types import Segment, Transcript


@dataclass(slots=True)
class Collected:
    """What came out of one input so far."""

    segments: list[Segment] = field(default_factory=list)
    gaps: OpenGaps = field(default_factory=OpenGaps)
    """Those that are left: not filled later."""
    stats: dict[str, Any] = field(default_factory=dict)
    duration: float = 0.0
    language: str | None = None

    def take(self, event: Event) -> None:
        """Keep what the transcript needs of an event."""
        if isinstance(event, Final):
            self._keep(event.segment)
        elif isinstance(event, Backfill):
            self._fill(event.segment)
        elif isinstance(event, Gap):
            self.gaps.leave(event)
        elif isinstance(event, StatsEvent):
            self.stats = event.stats
        elif isinstance(event, End):
            self.duration, self.language = event.duration, event.language

    def _keep(self, segment: Segment) -> None:
        self.segments.append(segment)
        self.duration = max(self.duration, segment.end)
        self.language = self.language or segment.language

    def _fill(self, segment: Segment) -> None:
        """Take out the gap that a segment lies in; one without words was no speech."""
        self.gaps.fill(segment)
        if segment.text.strip():
            self._keep(segment)

    def transcript(self, spec: LoadSpec) -> Transcript:
        """Return it as a transcript, also in the middle."""
        segments = sorted(self.segments, key=lambda segment: segment.start)
        text = " ".join(segment.text for segment in segments)
        return Transcript(
            text=text,
            language=self.language,
            duration=self.duration,
            segments=tuple(segments),
            provider=spec.provider,
            model=spec.model,
            stats=self.stats,
            model_revision=spec.revision,
            model_sha256=spec.sha256,
        )
