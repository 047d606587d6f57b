"""Live sources in virtual time: sound comes in blocks, decoding takes its time, some is lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count, pairwise

from hypothesis import strategies as st

from echocli.clock import SteppingClock
from echocli.events import Event, Final, Gap, Partial, SpeechEnded, SpeechStarted
from echocli.providers.base import Hypothesis
from echocli.runtime.backfill import Aside
from echocli.runtime.live import LiveSource
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.runtime.live_session import LiveSession, Request
from echocli.runtime.spool import Spool
from echocli.types import SAMPLE_RATE, Span, to_samples
from echocli.vad.endpointer import FRAME
from tests.runtime.recogniser import Listener, Recogniser, Speech


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the sound comes and how long it takes to decode it; chances by ``seed``."""

    seed: int = 0
    block: tuple[int, int] = (FRAME, FRAME)
    """Fewest and most samples of a block."""
    delay: tuple[float, float] = (0.0, 0.0)
    """Fewest and most seconds of a request."""
    lost: tuple[Span, ...] = ()
    """What never comes."""
    broken: float = 0.0
    """Share of windows without an answer."""
    withdrawn: float = 0.0
    """Share of requests taken back."""
    slots: int = 2


@st.composite
def conditions(draw: st.DrawFn, *, faults: bool = False, longest_delay: float = 3.0) -> Conditions:
    """Draw how sound comes; with ``faults`` some of it is lost and some windows break."""
    blocks = st.sampled_from([(50, 700), (FRAME, FRAME), (160, 1600), (3000, 40000)])
    delays = st.sampled_from([(0.0, 0.0), (0.01, 0.1), (0.0, longest_delay)])
    edges = st.lists(st.integers(0, 60 * SAMPLE_RATE), max_size=6, unique=True)
    cuts = sorted(draw(edges)) if faults else []
    return Conditions(
        seed=draw(st.integers(0, 2**16)),
        block=draw(blocks),
        delay=draw(delays),
        lost=tuple(Span(a, b) for a, b in list(pairwise(cuts))[::2]),
        broken=draw(st.sampled_from([0.0, 0.1])) if faults else 0.0,
        withdrawn=draw(st.sampled_from([0.0, 0.2])) if faults else 0.0,
        slots=draw(st.integers(1, 3)),
    )


@dataclass(slots=True)
class Played:
    """What came of it: the session, its events with their time, and what it asked for."""

    session: LiveSession
    timed: list[tuple[float, Event]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        return [event for _, event in self.timed]

    @property
    def finals(self) -> list[Final]:
        return [event for event in self.events if isinstance(event, Final)]

    @property
    def partials(self) -> list[Partial]:
        return [event for event in self.events if isinstance(event, Partial)]

    @property
    def gaps(self) -> list[Gap]:
        return [event for event in self.events if isinstance(event, Gap)]

    @property
    def started(self) -> list[SpeechStarted]:
        return [event for event in self.events if isinstance(event, SpeechStarted)]

    @property
    def ended(self) -> list[SpeechEnded]:
        return [event for event in self.events if isinstance(event, SpeechEnded)]

    def count(self, kind: Kind) -> int:
        return sum(len(request.jobs) for request in self.requests if request.kind is kind)


class Feeder:
    """Feed the sound of a speech to a source, with the probabilities of what is complete."""

    def __init__(self, source: LiveSource, said: Speech, chances: Conditions) -> None:
        self.source = source
        self._said = said
        self._lost = chances.lost
        self._looked = 0
        self.blocks = list(_blocks(said.total, chances))

    def feed(self, end: int, now: float) -> list[Event]:
        """Hand on what lies between here and ``end``."""
        start = self.source.position
        if any(span.start <= start < span.end for span in self._lost):
            events = self._flush(now) + self.source.lose(end - start, "lost", now)
            self._looked = end
            return events
        count = (end - self._looked) // FRAME
        probabilities = self._said.probabilities(self._looked, count)
        self._looked += count * FRAME
        return self.source.feed(self._said.sound(start, end), probabilities, now)

    def finish(self, now: float) -> list[Event]:
        return self._flush(now) + self.source.finish(now)

    def _flush(self, now: float) -> list[Event]:
        if self._looked == self.source.position:
            return []
        last = self._said.probabilities(self._looked, 1)
        self._looked = self.source.position
        return self.source.feed(self._said.sound(0, 0), last, now)


def _blocks(total: int, chances: Conditions) -> Iterator[int]:
    """Yield where blocks end; lost stretches are blocks of their own."""
    chance = random.Random(chances.seed)
    sizes = iter(lambda: chance.randint(*chances.block), None)
    ends = set()
    for end in accumulate(sizes):
        ends.add(min(end, total))
        if end >= total:
            break
    inside = {end for end in ends for span in chances.lost if span.start < end < span.end}
    edges = {min(edge, total) for span in chances.lost for edge in (span.start, span.end)}
    yield from sorted((ends - inside | edges) - {0})


class Player:
    """Play speeches to a session in virtual time; one request is decoded at a time."""

    def __init__(
        self,
        said: Sequence[Speech],
        chances: Conditions,
        options: LiveOptions | None = None,
        recognisers: Sequence[Recogniser] | None = None,
        spool: Spool[Aside] | None = None,
    ) -> None:
        names = [f"source {number}" for number in range(len(said))]
        self.played = Played(LiveSession(names, options or LiveOptions(), spool))
        sources = self.played.session.sources
        self.clock = SteppingClock()
        self._chances = chances
        self._chance = random.Random(chances.seed)
        self._hear = dict(
            zip(names, recognisers or [Listener(one, chances.lost) for one in said], strict=True)
        )
        self._feeders = [Feeder(*pair, chances) for pair in zip(sources, said, strict=True)]
        self._flying: Request | None = None
        self._due = 0.0
        self._took = 0.0

    def play(self) -> Played:
        """Hand everything on, end the sources, decode what is left."""
        for end, feeder in self._timetable():
            self._until(end / SAMPLE_RATE)
            self._note(feeder.feed(end, self.clock.now()))
            self._observe()
            self._ask()
        for feeder in self._feeders:
            self._note(feeder.finish(self.clock.now()))
        self._finish()
        self._ask()
        while self._flying is not None:
            self._until(self._due)
        return self.played

    def _timetable(self) -> list[tuple[int, Feeder]]:
        entries = [(end, feeder) for feeder in self._feeders for end in feeder.blocks]
        return sorted(entries, key=lambda entry: entry[0])

    def _until(self, time: float) -> None:
        while self._flying is not None and self._due <= time:
            self.clock.time = max(self.clock.time, self._due)
            request, self._flying = self._flying, None
            self._answer(request)
            self._ask()
        self.clock.time = max(self.clock.time, time)

    def _ask(self) -> None:
        while self._flying is None:
            request = self.played.session.request(self._chances.slots, self.clock.now())
            if request is None:
                return
            self.played.requests.append(request)
            self._took = self._takes(request)
            if self._took:
                self._flying, self._due = request, self.clock.now() + self._took
            else:
                self._answer(request)

    def _answer(self, request: Request) -> None:
        session = self.played.session
        if self._chance.random() < self._chances.withdrawn:
            session.withdraw(request)
            return
        answers = [self._heard(source.name, job) for source, job in request.jobs]
        self._note(session.answer(request, answers, self.clock.now(), self._took))

    def _heard(self, name: str, job: Job) -> Hypothesis | str:
        broken = self._chance.random() < self._chances.broken
        return "the worker broke" if broken else self._hear[name](job.window)

    def _takes(self, request: Request) -> float:
        """Return the seconds until the answer."""
        del request
        return self._chance.uniform(*self._chances.delay)

    def _observe(self) -> None:
        """Look at how it goes, after every block of sound."""

    def _finish(self) -> None:
        """No more sound comes."""

    def _note(self, events: Sequence[Event]) -> None:
        events = [*events, *self.played.session.put_aside()]
        self.played.timed += [(self.clock.now(), event) for event in events]


def play(
    said: Speech | Sequence[Speech],
    chances: Conditions | None = None,
    options: LiveOptions | None = None,
    recogniser: Recogniser | None = None,
) -> Played:
    """Play one speech, or several at once, and return what came of it."""
    speeches = [said] if isinstance(said, Speech) else said
    recognisers = None if recogniser is None else [recogniser] * len(speeches)
    return Player(speeches, chances or Conditions(), options, recognisers).play()


def listening(
    said: Speech, options: LiveOptions | None = None
) -> tuple[LiveSource, Callable[[float], list[Event]]]:
    """Return a source and ``feed(seconds)``, which hands on what comes up to there."""
    source = LiveSource("mic", options or LiveOptions(), count())
    feeder = Feeder(source, said, Conditions())
    return source, lambda until: feeder.feed(to_samples(until), until)


def only(source: LiveSource, kind: Kind) -> Job:
    (job,) = source.jobs(kind, 4)
    return job
