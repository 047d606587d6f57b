"""From captured items to the core: sound as it goes over the wire, and when to stop by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from echocli.audio.capture import Capture, Captured, Item, Missing, Over, Sink
from echocli.audio.stopping import StopRule
from echocli.events import Event, Notice
from echocli.remote.actions import Phase
from echocli.remote.core import Core
from echocli.remote.course import Course
from echocli.remote.outbox import to_pcm
from echocli.runtime.loudness import Loudness
from echocli.runtime.room import Room
from echocli.types import SAMPLE_RATE, to_samples

ROOM = 30 * SAMPLE_RATE
"""Samples that may wait for the server where the source can wait."""


class Intake:
    """Follow the sources of a session; for the link's thread, but for the sinks.

    ``waits``: a file, which is read no faster than it is decoded. Another source that can wait does
    so only while somebody decodes, the server or this machine in its place; while nobody does, what
    comes is kept, but taken no faster than in real time, so that a pipe that is written at once
    does not fill the disk.
    """

    def __init__(
        self,
        core: Core,
        captures: Sequence[Capture],
        rule: StopRule,
        emit: Callable[[Event], None],
        *,
        can_wait: bool,
        waits: bool,
    ) -> None:
        self.failure: BaseException | None = None
        """What broke a source off; to be raised when all that came before has its text."""
        self.enough = False
        """Whether what still comes lies behind the place where to stop."""
        self._core = core
        self._captures = captures
        self._rule = rule
        self._emit = emit
        self._can_wait, self._waits = can_wait, waits
        self._room = Room(ROOM)
        self._meters = [Loudness(capture.name) for capture in captures]
        self._origin: float | None = None
        """The clock at position 0."""
        self._counted = 0.0
        """The clock when it was last seen how much waits."""
        self._excused = 0
        """Samples that need no room then: what was spoken since somebody last had all of it."""

    def start(self, post: Callable[[Callable[[float], None]], None]) -> None:
        """Start all sources; what they hand on comes by ``post``."""
        for place, capture in enumerate(self._captures):
            capture.start(self._sink(place, post))

    def stop(self) -> None:
        """Ask all sources for their end; twice is harmless."""
        self._room.throw_open()
        for capture in self._captures:
            capture.stop()

    def look(self, now: float) -> None:
        """Let sources go on where there is room again, and see whether it is time to stop."""
        self._make_room(0, now)
        self.enough = self.enough or self._is_time()

    def _make_room(self, samples: int, now: float) -> None:
        """Say that so many samples have arrived, and at once how many of all wait to be decoded.

        Both in one: between them a source would find room that there is not.
        """
        if self._can_wait:
            self._room.leave(samples, self._backlog(now))

    def _backlog(self, now: float) -> int:
        """Return how many samples need room: while nobody decodes, what could be spoken does not.

        What real time excuses is never more than what waits, so that it counts from when the
        server went away, and one that comes and goes is no reason to take more.
        """
        if self._origin is None:
            return 0
        core = self._core
        waiting = max(one.outbox.end - self._reached(one) for one in core.courses)
        excused = self._excused + to_samples(now - self._counted)
        if self._waits or core.held or core.phase is Phase.LIVE:
            self._excused, self._counted = min(excused, waiting), now
            return waiting
        return max(0, waiting - excused)

    def _reached(self, course: Course) -> int:
        """Return how far whoever decodes has got with a source."""
        return max(course.settled, course.decoded if self._core.held else course.received)

    def _is_time(self) -> bool:
        if self._rule.silence is None:
            return self._rule.reached(self._core.position, 0)
        if self._core.story.speaking:
            return False
        # Only what the server has looked at can be silence.
        settled = max(course.settled for course in self._core.courses)
        return self._rule.reached(settled, self._core.story.heard_until)

    def _sink(self, place: int, post: Callable[[Callable[[float], None]], None]) -> Sink:
        def sink(item: Item) -> None:
            if isinstance(item, Captured) and self._can_wait:
                self._room.enter(len(item.samples))
            post(lambda now: self._take(place, item, now))

        return sink

    def _take(self, place: int, item: Item, now: float) -> None:
        match item:
            case Captured():
                self._hear(place, item, now)
            case Missing() if not self.enough:
                self._core.missing(place, item.samples)
            case Notice():
                self._emit(item)
            case Over():
                self._end(place, item)

    def _hear(self, place: int, item: Captured, now: float) -> None:
        if not self.enough:
            course = self._core.courses[place]
            if course.begun is None:
                self._begin(place, item)
            self._core.captured(place, to_pcm(item.samples))
            if (meter := self._meters[place].feed(item.samples, course.outbox.end)) is not None:
                self._emit(meter)
            self.enough = self._is_time()
        self._make_room(len(item.samples), now)

    def _begin(self, place: int, item: Captured) -> None:
        """Place a source that comes later where it belongs."""
        began = item.time - len(item.samples) / SAMPLE_RATE
        if self._origin is None:
            self._origin = self._counted = began
        self._core.missing(place, max(0, to_samples(began - self._origin)))

    def _end(self, place: int, item: Over) -> None:
        """Take the end of a source; one that breaks off while others go on is told at once."""
        self.failure = self.failure or item.error
        self._core.over(place)
        if item.error is not None and not all(one.over for one in self._core.courses):
            self._emit(Notice("source_failed", f"{self._captures[place].name}: {item.error}"))
