"""Run live sources through a supervised model: threads and queues around the pure core.

Sources hand sound in from threads of their own, one thread decodes, and the caller's thread takes
both in the order they come and yields events.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from echocli.audio.capture import Capture, Captured, Item, Missing, Over
from echocli.audio.stopping import StopRule
from echocli.clock import Clock
from echocli.events import End, Event, Gap, Notice, Ready, StatsEvent
from echocli.providers.base import Hypothesis
from echocli.runtime.decoder import Answered, Decoder, decode
from echocli.runtime.ear import Ear
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.live_session import LiveSession, Request
from echocli.runtime.live_stats import live_stats
from echocli.runtime.room import Room
from echocli.runtime.stats import RunStats
from echocli.runtime.supervisor import Outcome, Supervisor
from echocli.runtime.warmup import Level, warm_windows
from echocli.types import SAMPLE_RATE, seconds, to_samples

QUEUED = 30 * SAMPLE_RATE
"""Samples that may wait for the session, or for the decoder where the source can wait."""

LAST_WORDS = 0.5
"""Seconds a source gets to say that it is over when everything ends."""

STEP = SAMPLE_RATE
"""Samples that may wait where each is decoded before the next is taken."""


@dataclass(frozen=True, slots=True)
class _From:
    """An item of a source."""

    ear: Ear
    item: Item


@dataclass(frozen=True, slots=True)
class _Stop:
    """Somebody wants this to end."""


_Entry: TypeAlias = _From | Answered | _Stop


class Live:
    """Transcribe live sources; iterate :meth:`events` once.

    ``in_step`` is for a file that is not played at its own speed: sound is taken only when all of
    the sound before is decoded, and time is that of the sound, so that the same file gives the same
    events. ``can_wait`` lets the sources wait while much is to be decoded.
    """

    def __init__(
        self,
        captures: Sequence[Capture],
        supervisor: Supervisor,
        options: LiveOptions | None = None,
        *,
        clock: Clock,
        detect: bool = True,
        stop: StopRule | None = None,
        in_step: bool = False,
        can_wait: bool = False,
    ) -> None:
        self.stats = RunStats()
        self._captures = captures
        self._supervisor = supervisor
        self._clock = clock
        self._rule = stop or StopRule()
        self._in_step = in_step
        self._can_wait = can_wait
        self._session = LiveSession([one.name for one in captures], options or LiveOptions())
        self._ears = [Ear(source, detect=detect) for source in self._session.sources]
        self.stats.vad_enabled = detect
        self._inbox: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        self._room = Room(STEP if in_step else QUEUED)
        self._decoder: Decoder | None = None
        self._heard: set[str] = set()
        self.listening = False
        """Whether the sources are started; before that a stop has nothing to wait for."""
        self._stopping = False
        self._enough = False
        """Whether what still comes lies behind the place where to stop."""
        self._failure: BaseException | None = None
        """What broke a source off; raised when all that came before is decoded."""
        self._dead: str | None = None
        """Why the model will answer no more."""
        self._origin = 0.0
        """The clock at position 0."""
        self._begun = clock.now()
        self._restarts_before = supervisor.restarts

    def stop(self) -> None:
        """Ask for the end: what was captured is still decoded. Safe in a signal handler."""
        self._inbox.put(_Stop())

    def events(self) -> Iterator[Event]:
        """Yield what happens as it happens; ends with stats and end."""
        try:
            self._supervisor.ready(warm_windows(Level.FIRST))
            if not self._in_step:
                self._decoder = Decoder(self._supervisor, self._clock, self._inbox.put)
            self._begun = self._clock.now()
            for capture, ear in zip(self._captures, self._ears, strict=True):
                self._start(capture, ear)
            self.listening = True
            yield from self._run()
            yield from self._close()
            if self._failure is not None:
                raise self._failure
        finally:
            self._end()

    @property
    def rtf(self) -> float | None:
        """Seconds of inference by second of sound so far."""
        position = max(ear.source.position for ear in self._ears)
        return self.stats.busy_seconds * SAMPLE_RATE / position if position else None

    @property
    def position(self) -> float:
        """Seconds of sound so far."""
        return max(ear.source.position for ear in self._ears) / SAMPLE_RATE

    def latency_ms(self, name: str | None) -> float | None:
        """Return the time from the end of speech to the newest final of a source."""
        found = (ear.source.latencies.last for ear in self._ears if ear.source.name == name)
        return next(found, None)

    def _start(self, capture: Capture, ear: Ear) -> None:
        def sink(item: Item) -> None:
            if isinstance(item, Captured):
                self._room.enter(len(item.samples))
            self._inbox.put(_From(ear, item))

        capture.start(sink)

    def _run(self) -> Iterator[Event]:
        while not self._done:
            entry = self._inbox.get()
            yield from self._handle(entry)
            yield from self._supervisor_notices()
            yield from self._work()

    @property
    def _done(self) -> bool:
        decoding = self._decoder is not None and self._decoder.busy
        return all(ear.over for ear in self._ears) and not decoding

    def _handle(self, entry: _Entry) -> Iterator[Event]:
        match entry:
            case _From():
                yield from self._take(entry.ear, entry.item)
            case Answered():
                yield from self._answer(entry, self._clock.now())
            case _Stop():
                self._stop_sources()

    def _take(self, ear: Ear, item: Item) -> Iterator[Event]:
        match item:
            case Captured() | Missing() if self._is_behind(ear):
                pass
            case Captured():
                yield from self._greet(ear, item)
                now = self._time(ear, item)
                late = 0.0 if self._in_step else max(0.0, self._clock.now() - now)
                yield from ear.hear(item, now, late)
                backlog = self._session.backlog if self._can_wait else 0
                self._room.leave(len(item.samples), backlog)
                self._check_rule()
            case Missing():
                yield from ear.hear(item, self._clock.now())
            case Notice():
                yield item
                if item.code == "device_lost":
                    yield from self._settle(ear)
            case Over():
                yield from self._end_of(ear, item)

    def _settle(self, ear: Ear) -> Iterator[Event]:
        """End what is open; a device may stay away for hours, and its last words need not."""
        for event in ear.hear(Missing(0, "device lost"), self._clock.now()):
            if not isinstance(event, Gap):  # how long it was is known when sound comes again
                yield event

    def _end_of(self, ear: Ear, item: Over) -> Iterator[Event]:
        """Finish a source; one that breaks off while others go on is told at once."""
        self._failure = self._failure or item.error
        yield from ear.finish(self._time(ear))
        if item.error is not None and not all(one.over for one in self._ears):
            yield Notice("source_failed", f"{ear.source.name}: {item.error}")

    def _is_behind(self, ear: Ear) -> bool:
        """Tell whether what still comes of a source lies behind the place where to stop."""
        limit = self._rule.limit
        return self._enough and (self._in_step or (limit or 0) <= ear.source.position)

    def _greet(self, ear: Ear, item: Captured) -> Iterator[Event]:
        """Say that a source is there; one that comes later counts from the first one's start."""
        name, spec = ear.source.name, self._supervisor.spec
        if name in self._heard:
            return
        began = item.time - len(item.samples) / SAMPLE_RATE
        if not self._heard:
            self._origin = began
        elif not self._in_step:
            ear.source.begin_at(max(0, to_samples(began - self._origin)))
        self._heard.add(name)
        yield Ready(name, spec.provider, spec.model)

    def _time(self, ear: Ear, item: Captured | None = None) -> float:
        if self._in_step:
            return (ear.source.position + (len(item.samples) if item else 0)) / SAMPLE_RATE
        return item.time if item else self._clock.now()

    def _check_rule(self) -> None:
        sources = [ear.source for ear in self._ears]
        position = max(source.position for source in sources)
        quiet = [source.quiet_since for source in sources]
        since = max((position if one is None else one for one in quiet), default=position)
        if not self._stopping and self._rule.reached(position, since):
            self._enough = True
            self._stop_sources()

    def _stop_sources(self) -> None:
        self._stopping = True
        self._room.throw_open()
        for capture in self._captures:
            capture.stop()

    def _work(self) -> Iterator[Event]:
        """Have the most urgent windows decoded, if there are any and nothing else is."""
        decoder = self._decoder
        if self._dead is not None:
            for ear in self._ears:
                yield from ear.source.give_up(self._dead)
        elif decoder is None:
            now = max(self._time(ear) for ear in self._ears)
            while self._dead is None and (request := self._ask()) is not None:
                yield from self._answer(decode(request, self._supervisor, self._clock), now)
        elif not decoder.busy and (request := self._ask()) is not None:
            decoder.ask(request)

    def _ask(self) -> Request | None:
        return self._session.request(self._supervisor.spec.slots)

    def _answer(self, done: Answered, now: float) -> Iterator[Event]:
        if self._decoder is not None:
            self._decoder.busy = False
        self.stats.busy_seconds += done.secs
        if done.error is not None:
            self._session.withdraw(done.request)
            self._failure, self._dead = done.error, str(done.error)
            self._stop_sources()
            return
        self._count(done.outcomes)
        answers = [_plain(outcome) for outcome in done.outcomes]
        # In step, how long it took must not decide what is decoded next.
        secs = 0.0 if self._in_step else done.secs
        yield from self._session.answer(done.request, answers, now, secs)
        if self._can_wait:
            self._room.leave(0, self._session.backlog)

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Hypothesis):
                self.stats.windows += 1
                self.stats.note_decode(outcome.decode_ms)

    def _supervisor_notices(self) -> Iterator[Event]:
        while self._supervisor.notices:
            yield self._supervisor.notices.popleft()

    def _close(self) -> Iterator[Event]:
        sources = self._session.sources
        duration = seconds(max(source.position for source in sources))
        live_stats(self.stats, self._ears, in_real_time=not (self._in_step or self._can_wait))
        self.stats.wall_seconds = self._clock.now() - self._begun
        self.stats.describe(self._supervisor, self._restarts_before)
        yield StatsEvent(self.stats.to_dict())
        languages = (source.first_language for source in sources)
        yield End(duration, next((one for one in languages if one is not None), None))

    def _end(self) -> None:
        """Leave nothing running."""
        self._stop_sources()
        if self._decoder is not None:
            self._decoder.stop()
        # Whoever records must not be closed under a source that still hands on.
        while self.listening and not all(ear.over for ear in self._ears):
            try:
                entry = self._inbox.get(timeout=LAST_WORDS)
            except queue.Empty:
                break
            if isinstance(entry, _From) and isinstance(entry.item, Over):
                entry.ear.over = True


def _plain(outcome: Outcome) -> Hypothesis | str:
    return outcome if isinstance(outcome, Hypothesis) else outcome.reason
