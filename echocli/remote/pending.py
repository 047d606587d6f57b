"""Speech that the server has put aside, to be decoded when there is time."""

from __future__ import annotations

from dataclasses import dataclass, field

from echocli.types import SAMPLE_RATE, Span

LEAST = SAMPLE_RATE
"""Samples of it that surely hold words."""


@dataclass(slots=True)
class Pending:
    """The stated gaps of one source that a text is still to come for; positions are samples."""

    spans: list[Span] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.spans)

    def add(self, span: Span) -> None:
        """Take note that speech was put aside; again, where it was before."""
        self.take(span)
        self.spans.append(span)

    def covers(self, span: Span) -> bool:
        """Tell whether a stretch is about what was put aside: half of it, or a second at least."""
        inside = sum(_common(one, span) for one in self.spans)
        return inside > 0 and (2 * inside >= span.length or inside >= LEAST)

    def close(self, span: Span) -> None:
        """Take note that the gap that fits a stretch best needs no text any more."""
        fitting = [one for one in self.spans if _common(one, span) > 0]
        if fitting:
            self.spans.remove(max(fitting, key=lambda one: _common(one, span)))

    def take(self, span: Span) -> None:
        """Take note that a stretch has its text, whatever gaps it reaches into."""
        left = [
            Span(start, end)
            for one in self.spans
            for start, end in (
                (one.start, min(one.end, span.start)),
                (max(one.start, span.end), one.end),
            )
            if start < end
        ]
        self.spans = left


def _common(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))
