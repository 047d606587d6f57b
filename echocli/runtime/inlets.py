"""The sources of a live run: start and stop them, and let the session hear what comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from echocli.audio.capture import Capture, Captured, Item, Missing, Over
from echocli.audio.stopping import StopRule
from echocli.clock import Clock
from echocli.events import Event, Gap, Notice
from echocli.providers.base import LoadSpec
from echocli.runtime.ear import Ear
from echocli.runtime.room import Room
from echocli.runtime.serving import ready
from echocli.types import SAMPLE_RATE, seconds, to_samples

QUEUED = 30 * SAMPLE_RATE
"""Samples that may wait for the session, or for the decoder where the source can wait."""

STEP = SAMPLE_RATE
"""Samples that may wait where each is decoded before the next is taken."""


@dataclass(frozen=True, slots=True)
class From:
    """An item of a source."""

    ear: Ear
    item: Item


@dataclass(frozen=True, slots=True)
class Manner:
    """How sound comes.

    ``in_step``: it is taken only when all before is decoded, and time is that of the sound.
    ``can_wait``: the sources wait while much is to be decoded.
    """

    in_step: bool = False
    can_wait: bool = False

    @property
    def real_time(self) -> bool:
        """Whether it comes at its own speed, whatever is done with it."""
        return not (self.in_step or self.can_wait)


class Inlets:
    """Follow all sources until they are over; for one thread but for the sinks."""

    def __init__(
        self,
        captures: Sequence[Capture],
        ears: Sequence[Ear],
        clock: Clock,
        rule: StopRule,
        manner: Manner,
        starts: Mapping[str, int] | None = None,
    ) -> None:
        self.listening = False
        """Whether the sources are started; before that a stop has nothing to wait for."""
        self.failure: BaseException | None = None
        """What broke a source off; to be raised when all that came before is decoded."""
        self._captures = captures
        self._ears = ears
        self._clock = clock
        self._rule = rule
        self._manner = manner
        self._starts = starts
        """Where each source begins, in samples; ``None`` goes by the clock."""
        self._room = Room(STEP if manner.in_step else QUEUED)
        self._heard: set[str] = set()
        self._stopping = False
        self._enough = False
        """Whether what still comes lies behind the place where to stop."""
        self._origin = 0.0
        """The clock at position 0."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return all(ear.over for ear in self._ears)

    @property
    def position(self) -> float:
        """Seconds of sound so far."""
        return seconds(max(ear.source.position for ear in self._ears))

    @property
    def now(self) -> float:
        """The time of the newest sound."""
        return max(self._time(ear) for ear in self._ears)

    def start(self, put: Callable[[From], None]) -> None:
        """Start all sources; ``put`` gets their items in threads of their own."""
        for capture, ear in zip(self._captures, self._ears, strict=True):
            if self._starts is not None:
                ear.source.begin_at(self._starts.get(ear.source.name, 0))
            self._start(capture, ear, put)
        self.listening = True

    def stop(self) -> None:
        """Ask all sources for their end; what they have captured still comes."""
        self._stopping = True
        self._room.throw_open()
        for capture in self._captures:
            capture.stop()

    def make_room(self, backlog: int, samples: int = 0) -> None:
        """Let sources go on: so many samples were taken, and so many wait for the decoder."""
        self._room.leave(samples, backlog if self._manner.can_wait else 0)

    def take(self, ear: Ear, item: Item, spec: LoadSpec, backlog: int) -> Iterator[Event]:
        """Take an item; ``spec`` is the model that serves, ``backlog`` what waits for it."""
        match item:
            case Captured() | Missing() if self._is_behind(ear):
                pass
            case Captured():
                yield from self._greet(ear, item, spec)
                now = self._time(ear, item)
                late = 0.0 if self._manner.in_step else max(0.0, self._clock.now() - now)
                yield from ear.hear(item, now, late)
                self.make_room(backlog, len(item.samples))
                self._check_rule()
            case Missing():
                yield from ear.hear(item, self._clock.now())
            case Notice():
                yield item
                if item.code == "device_lost":
                    yield from self._settle(ear)
            case Over():
                yield from self._end_of(ear, item)

    def _start(self, capture: Capture, ear: Ear, put: Callable[[From], None]) -> None:
        def sink(item: Item) -> None:
            if isinstance(item, Captured):
                self._room.enter(len(item.samples))
            put(From(ear, item))

        capture.start(sink)

    def _settle(self, ear: Ear) -> Iterator[Event]:
        """End what is open; a device may stay away for hours, and its last words need not."""
        for event in ear.hear(Missing(0, "device lost"), self._clock.now()):
            if not isinstance(event, Gap):  # how long it was is known when sound comes again
                yield event

    def _end_of(self, ear: Ear, item: Over) -> Iterator[Event]:
        """Finish a source; one that breaks off while others go on is told at once."""
        self.failure = self.failure or item.error
        yield from ear.finish(self._time(ear))
        if item.error is not None and not self.over:
            yield Notice("source_failed", f"{ear.source.name}: {item.error}")

    def _is_behind(self, ear: Ear) -> bool:
        """Tell whether what still comes of a source lies behind the place where to stop."""
        limit = self._rule.limit or 0
        return self._enough and (self._manner.in_step or limit <= ear.source.position)

    def _greet(self, ear: Ear, item: Captured, spec: LoadSpec) -> Iterator[Event]:
        """Say that a source is there; one that comes later counts from the first one's start."""
        name = ear.source.name
        if name in self._heard:
            return
        began = item.time - len(item.samples) / SAMPLE_RATE
        if not self._heard:
            self._origin = began
        elif self._starts is None and not self._manner.in_step:
            ear.source.begin_at(max(0, to_samples(began - self._origin)))
        self._heard.add(name)
        yield ready(name, spec)

    def _time(self, ear: Ear, item: Captured | None = None) -> float:
        if self._manner.in_step:
            return (ear.source.position + (len(item.samples) if item else 0)) / SAMPLE_RATE
        return item.time if item else self._clock.now()

    def _check_rule(self) -> None:
        sources = [ear.source for ear in self._ears]
        position = max(source.position for source in sources)
        quiet = [source.quiet_since for source in sources]
        since = max((position if one is None else one for one in quiet), default=position)
        if not self._stopping and self._rule.reached(position, since):
            self._enough = True
            self.stop()
