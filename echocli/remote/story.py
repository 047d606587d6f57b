"""What the server tells, as this program hands it on: each event once, under its own names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from echocli.events import (
    SPOOLED,
    Backfill,
    End,
    Event,
    Final,
    Gap,
    Level,
    Partial,
    SpeechEnded,
    SpeechStarted,
    StatsEvent,
)
from echocli.remote.course import Course
from echocli.types import Segment, Span, seconds, to_samples
from echocli.wire.messages import Metrics, Numbered

NORMAL = "NORMAL"
"""The level of the ladder at which a session begins."""

ABANDONED = "gap"
"""Why an utterance ends that is decoded again under another number."""


@dataclass(slots=True)
class Story:
    """Follow the events of a session, also when it is begun anew."""

    courses: Sequence[Course]
    seen: int = 0
    """Number of the last message that came."""
    next_id: int = 0
    """Number that no utterance has so far."""
    level: str = NORMAL
    counted: bool = False
    """Whether the figures were told."""
    over: bool = False
    """Whether the end was told."""
    heard_until: int = 0
    """Where the last speech ended, in samples; where somebody speaks, that is not known yet."""
    _open: dict[int, SpeechStarted] = field(default_factory=dict)

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks."""
        return bool(self._open)

    def take(self, message: Numbered) -> Event | None:
        """Return the event of a message, ``None`` where it was there before."""
        if message.seq is not None:
            if message.seq <= self.seen:
                return None
            self.seen = message.seq
        return self.note(self._named(message.event))

    def note(self, event: Event) -> Event | None:
        """Follow an event, wherever it comes from; return what is new of it.

        A final of speech that was put aside on another connection fills the gap that stands for it.
        """
        match event:
            case SpeechStarted():
                self._open[event.id] = event
                self.next_id = max(self.next_id, event.id + 1)
            case SpeechEnded():
                self._close(event)
            case Final():
                return self._settle(event)
            case Backfill():
                return event if self._fills(event.segment) else None
            case Gap() if (course := self._course(event.source)) is not None:
                return event if _is_new(event, course) else None
            case Level():
                self.level = event.to
            case StatsEvent():
                told, self.counted = self.counted, True
                return None if told else event
            case End():
                self.over = True
        return event

    def measure(self, metrics: Metrics) -> None:
        """Take the level that is in force: at the start no event tells it."""
        levels = [one.degrade_level for one in metrics.sources.values()]
        self.level = levels[0] if levels else self.level

    def begin_anew(self) -> list[Event]:
        """Count from 1 again; return the ends of utterances that nobody will finish."""
        abandoned = sorted(self._open.items())
        self.seen, self.level, self._open = 0, NORMAL, {}
        return [
            SpeechEnded(
                id_, begun.start, max(begun.start, self._end(begun)), ABANDONED, begun.source
            )
            for id_, begun in abandoned
        ]

    def _end(self, begun: SpeechStarted) -> float:
        course = self._course(begun.source)
        return seconds(course.outbox.end) if course is not None else begun.start

    def _close(self, event: SpeechEnded) -> None:
        self._open.pop(event.id, None)
        self.next_id = max(self.next_id, event.id + 1)
        self.heard_until = max(self.heard_until, to_samples(event.end))

    def _settle(self, event: Final) -> Event | None:
        segment = event.segment
        self.next_id = max(self.next_id, segment.id + 1)
        self._open.pop(segment.id, None)
        course, span = self._course(segment.source), _span(segment)
        if course is None:
            return event
        if course.repeats(span):
            return None
        late = course.pending.covers(span)
        course.has_text_to(span.end)
        course.pending.take(span)
        return Backfill(segment) if late else event

    def _fills(self, segment: Segment) -> bool:
        """Close the gap that a text was put aside for; tell whether it is new."""
        course, span = self._course(segment.source), _span(segment)
        if course is None:
            return True
        if course.repeats(span):
            return False
        course.pending.close(span)
        course.has_text_to(span.end)
        return True

    def _course(self, name: str | None) -> Course | None:
        if name is None:
            return self.courses[0]
        return next((one for one in self.courses if one.name == name), None)

    def _named(self, event: Event) -> Event:
        """Return an event with the source's own name."""
        match event:
            case Partial() | Final() | Backfill():
                segment = event.segment
                return replace(event, segment=replace(segment, source=self._own(segment.source)))
            case SpeechStarted() | SpeechEnded() | Gap():
                return replace(event, source=self._own(event.source))
        return event

    def _own(self, wire_name: str | None) -> str | None:
        names: dict[Any, str] = {one.wire_name: one.name for one in self.courses}
        return names.get(wire_name, wire_name)


def _is_new(gap: Gap, course: Course) -> bool:
    """Tell whether a gap was not told before, and follow what is put aside."""
    span = _span(gap)
    if course.precedes(gap) or course.repeats(span):
        return False
    if not gap.reason.startswith(SPOOLED):
        course.pending.close(span)
        return True
    known = course.pending.covers(span)
    course.pending.add(span)
    return not known


def _span(what: Segment | Gap) -> Span:
    return Span(to_samples(what.start), to_samples(what.end))
