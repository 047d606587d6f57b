"""Run live sources through a supervised model: threads and queues around the pure core.

Sources hand sound in from threads of their own, one thread decodes, and the caller's thread takes
both in the order they come and yields events.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from echocli.audio.capture import Capture, Over
from echocli.audio.stopping import StopRule
from echocli.clock import Clock
from echocli.errors import EchoError
from echocli.events import End, Event, StatsEvent
from echocli.runtime.backfill import Aside
from echocli.runtime.decoder import Answered, Decoder, decode
from echocli.runtime.ear import Ear
from echocli.runtime.following import Following, Watching
from echocli.runtime.inlets import From, Inlets, Manner
from echocli.runtime.keeping_up import KeepingUp
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.live_session import LiveSession, Request
from echocli.runtime.live_stats import live_stats
from echocli.runtime.operating import Change
from echocli.runtime.resting import Resting
from echocli.runtime.serving import Gone, Serving, Withdrawn
from echocli.runtime.spool import Spool
from echocli.runtime.stats import RunStats
from echocli.runtime.warmup import Level, warm_windows

TICK = 0.5
"""Seconds after which it is looked around where nothing happens."""

LAST_WORDS = 0.5
"""Seconds a source gets to say that it is over when everything ends."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """Somebody wants this to end, perhaps without decoding what was put aside."""

    catch_up: bool


_Entry: TypeAlias = From | Answered | Change | _Stop


class Live:
    """Transcribe live sources; iterate :meth:`events` once.

    ``in_step`` is for a file that is not played at its own speed: sound is taken only when all of
    the sound before is decoded, and time is that of the sound, so that the same file gives the same
    events. ``can_wait`` lets the sources wait while much is to be decoded. With an ``adjuster`` it
    does less where the machine does not keep up; what is put aside then waits in the ``spool``.
    Sources that go on where another run ended count from ``starts``, in samples, whenever they
    begin; ``first_id`` is the first number of an utterance.
    """

    def __init__(
        self,
        captures: Sequence[Capture],
        supervisor: Serving,
        options: LiveOptions | None = None,
        *,
        clock: Clock,
        detect: bool = True,
        stop: StopRule | None = None,
        in_step: bool = False,
        can_wait: bool = False,
        adjuster: Following | None = None,
        spool: Spool[Aside] | None = None,
        watch: Watching | None = None,
        resting: Resting | None = None,
        starts: Mapping[str, int] | None = None,
        first_id: int = 0,
    ) -> None:
        self.stats = RunStats(vad_enabled=detect)
        self.kept: tuple[Path, float] | None = None
        """Where sound is kept that was not decoded, and how many seconds of speech."""
        self._supervisor = supervisor
        self._clock = clock
        self._manner = Manner(in_step, can_wait)
        names = [one.name for one in captures]
        self._session = LiveSession(names, options or LiveOptions(), spool, first_id)
        if in_step and adjuster is not None:
            adjuster.hold()  # an unpaced file is never behind: it waits for every answer
        self._keeping = KeepingUp(
            self._session, clock, adjuster, watch, waits=can_wait, rest=resting
        )
        self._ears = [Ear(source, detect=detect) for source in self._session.sources]
        self._inlets = Inlets(captures, self._ears, clock, stop or StopRule(), self._manner, starts)
        self._inbox: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        self._decoder: Decoder | None = None
        self._finishing = False
        """Whether only what was put aside is left to do."""
        self._settled: dict[str, int] = {}
        self._dead: BaseException | None = None
        """Why the model will answer no more."""
        self._begun = clock.now()
        self._restarts_before = supervisor.restarts

    @property
    def listening(self) -> bool:
        """Whether the sources are started; before that a stop has nothing to wait for."""
        return self._inlets.listening

    @property
    def level(self) -> str:
        """Name of the level of the ladder that is in force."""
        return self._keeping.in_force.name

    @property
    def rtf(self) -> float | None:
        """Seconds of inference by second of sound so far."""
        position = self.position
        return self.stats.busy_seconds / position if position else None

    @property
    def load(self) -> float | None:
        """The RTF of the last seconds, as the ladder sees it."""
        return self._keeping.rtf

    @property
    def position(self) -> float:
        """Seconds of sound so far."""
        return self._inlets.position

    def settled(self, name: str) -> int:
        """Return up to which sample a source is final text, silence or a stated gap.

        The events that say so have been yielded; another thread may not have seen them yet.
        """
        return self._settled.get(name, 0)

    def latency_ms(self, name: str | None) -> float | None:
        """Return the time from the end of speech to the newest final of a source."""
        found = (ear.source.latencies.last for ear in self._ears if ear.source.name == name)
        return next(found, None)

    def stop(self, *, catch_up: bool = True) -> None:
        """Ask for the end: what was captured is still decoded. Safe in a signal handler.

        What was put aside is decoded too, unless there is no time to ``catch_up``; then it stays on
        disk.
        """
        self._inbox.put(_Stop(catch_up))

    def discard(self) -> None:
        """Have nothing kept on disk: nobody wants a text any more."""
        self._session.backfilling.discard()

    def change(self, change: Change) -> None:
        """Have another model serve as soon as it is warm; from any thread."""
        self._inbox.put(change)

    def events(self) -> Iterator[Event]:
        """Yield what happens as it happens; ends with stats and end."""
        try:
            yield from self._get_ready()
            if not self._manner.in_step:
                self._decoder = Decoder(self._supervisor, self._clock, self._inbox.put)
            self._begun = self._clock.now()
            self._inlets.start(self._inbox.put)
            yield from self._run()
            yield from self._close()
            if (failure := self._inlets.failure or self._dead) is not None:
                raise failure
        finally:
            self._end()

    def _get_ready(self) -> Iterator[Event]:
        """Wait for the model; say what happened on the way also where that fails."""
        try:
            self._supervisor.ready(warm_windows(Level.FIRST))
        except EchoError:
            yield from self._news()
            raise

    def _run(self) -> Iterator[Event]:
        while not self._done:
            with suppress(queue.Empty):  # time passes also where no sound comes
                yield from self._handle(self._inbox.get(timeout=TICK))
            self._keeping.observe()
            yield from self._session.put_aside()
            yield from self._news()
            yield from self._work()
            self._settled = self._session.settled()

    @property
    def _done(self) -> bool:
        decoding = self._decoder is not None and self._decoder.busy
        left = self._session.backfilling.pending and self._dead is None and self._session.catches_up
        return self._inlets.over and not decoding and not left

    def _handle(self, entry: _Entry) -> Iterator[Event]:
        match entry:
            case From():
                spec, backlog = self._supervisor.spec, self._session.backlog
                yield from self._inlets.take(entry.ear, entry.item, spec, backlog)
            case Answered():
                yield from self._answer(entry, self._clock.now())
            case Change():
                self._keeping.change(entry)
            case _Stop():
                self._session.catches_up = entry.catch_up
                self._supervisor.hurry()
                self._inlets.stop()

    def _work(self) -> Iterator[Event]:
        """Have the most urgent windows decoded, if there are any and nothing else is."""
        if not self._finishing and self._inlets.over:
            self._finishing = True
            if self._session.catches_up and self._dead is None:
                yield from self._keeping.finish()
        decoder = self._decoder
        if self._dead is not None:
            for ear in self._ears:
                yield from ear.source.give_up(str(self._dead), self._inlets.now)
        elif decoder is None:
            now = self._inlets.now
            while self._dead is None and (request := self._ask()) is not None:
                yield from self._answer(decode(request, self._supervisor, self._clock), now)
        elif decoder.request is not None:
            if self._session.outranks(decoder.request):
                self._supervisor.take_back()  # it would wait behind the finals of everybody else
        elif (request := self._ask()) is not None:
            decoder.ask(request)
        yield from self._session.backfilling.take_news()

    def _ask(self) -> Request | None:
        request = self._session.request(self._supervisor.spec.slots, self._clock.now())
        if request is not None:
            self._keeping.asked(request)
        return request

    def _answer(self, done: Answered, now: float) -> Iterator[Event]:
        if self._decoder is not None:
            self._decoder.answered()
        self.stats.busy_seconds += done.busy
        if done.error is not None:
            self._session.withdraw(done.request)
            self._keeping.answered(done)
            if isinstance(done.error, Withdrawn) and not isinstance(done.error, Gone):
                return
            self._dead = done.error
            self._inlets.stop()
            return
        self.stats.count(done.outcomes)
        # In step, how long it took must not decide what is decoded next.
        secs = 0.0 if self._manner.in_step else done.secs
        yield from self._session.answer(done.request, done.answers, now, secs)
        yield from self._session.put_aside()
        self._keeping.answered(done)
        self._inlets.make_room(self._session.backlog)

    def _news(self) -> Iterator[Event]:
        """Yield what the model, the ladder and the watch have to say."""
        while self._supervisor.notices:
            event = self._supervisor.notices.popleft()
            self.stats.note(event)
            yield event
        for event in self._keeping.news(self.position):
            self.stats.note(event)
            yield event

    def _close(self) -> Iterator[Event]:
        duration = self.position
        live_stats(self.stats, self._ears, self._session, in_real_time=self._manner.real_time)
        self.stats.wall_seconds = self._clock.now() - self._begun
        self.stats.describe(self._supervisor, self._restarts_before)
        yield from self._keeping.close(self.stats)
        yield StatsEvent(self.stats.to_dict())
        languages = (source.first_language for source in self._session.sources)
        yield End(duration, next((one for one in languages if one is not None), None))

    def _end(self) -> None:
        """Leave nothing running."""
        self._inlets.stop()
        if self._decoder is not None:
            self._decoder.stop()
        self._session.salvage(self._inlets.now)
        self._keeping.end()
        self.kept = self._session.backfilling.close()
        # Whoever records must not be closed under a source that still hands on.
        while self.listening and not self._inlets.over:
            try:
                entry = self._inbox.get(timeout=LAST_WORDS)
            except queue.Empty:
                break
            if isinstance(entry, From) and isinstance(entry.item, Over):
                entry.ear.over = True
