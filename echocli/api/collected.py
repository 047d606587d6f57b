"""What the transcript of an input is made of, gathered from its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from echocli.events import SPOOLED, Backfill, End, Event, Final, Gap, StatsEvent
from echocli.providers.base import LoadSpec
from echocli.types import Segment, Transcript


@dataclass(slots=True)
class Collected:
    """What came out of one input so far."""

    segments: list[Segment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
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
            self._leave(event)
        elif isinstance(event, StatsEvent):
            self.stats = event.stats
        elif isinstance(event, End):
            self.duration, self.language = event.duration, event.language

    def _keep(self, segment: Segment) -> None:
        self.segments.append(segment)
        self.duration = max(self.duration, segment.end)
        self.language = self.language or segment.language

    def _leave(self, gap: Gap) -> None:
        """Note a gap; what was to be filled and cannot be any more is stated once again."""
        span = (gap.start, gap.end, gap.source)
        self.gaps = [one for one in self.gaps if (one.start, one.end, one.source) != span]
        self.gaps.append(gap)

    def _fill(self, segment: Segment) -> None:
        """Take out the gap that a segment lies in; one without words was no speech."""
        filled = (gap for gap in self.gaps if _is_filled(gap, segment))
        if (gap := next(filled, None)) is not None:
            self.gaps.remove(gap)
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


def _is_filled(gap: Gap, segment: Segment) -> bool:
    """Tell whether a segment is what a gap was left for."""
    kept = gap.reason.startswith(SPOOLED) and gap.source in (None, segment.source)
    return kept and gap.start <= segment.start < gap.end
