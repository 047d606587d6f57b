"""Live sessions on a machine that is at times too slow, in virtual time, with all that is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st

from echocli.clock import Clock
from echocli.events import SPOOLED, Backfill, Event, Gap, Level, SpeechEnded, SpeechStarted
from echocli.providers.base import Hypothesis, LoadSpec
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.backfill import Aside
from echocli.runtime.decoder import Answered
from echocli.runtime.keeping_up import KeepingUp
from echocli.runtime.ladder import Ladder, LadderOptions, Rung
from echocli.runtime.live_options import Job, LiveOptions
from echocli.runtime.live_session import Request
from echocli.runtime.operating import Choices, OperatingPoint
from echocli.runtime.spool import Spool
from echocli.runtime.supervisor import Lost
from echocli.runtime.watch import Watch
from echocli.types import SAMPLE_RATE
from tests.runtime.playing import Conditions, Player
from tests.runtime.recogniser import Speech

BIG, SMALL, OTHER = (LoadSpec("scripted", name, name) for name in ("big", "small", "other"))
COST = {"big": 1.0, "small": 0.4, "other": 0.1}
"""Seconds a model takes for a second of sound where the machine has nothing else to do."""

HASTY = LadderOptions(calm=3.0, dwell=1.0, longest_calm=6.0)
"""The usual thresholds, and little time between two moves."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How many times as long everything takes: ``(from which second on, factor)``, rising."""

    steps: tuple[tuple[float, float], ...] = ((0.0, 0.1),)

    def factor(self, now: float) -> float:
        return [factor for since, factor in self.steps if since <= now][-1]


@st.composite
def traces(draw: st.DrawFn, until: float) -> Trace:
    """Draw a load that comes and goes, and is over at ``until`` seconds."""
    times = sorted(draw(st.lists(st.floats(0.0, until), max_size=4)))
    factors = st.sampled_from([0.1, 0.5, 0.9, 1.1, 1.5, 3.0, 6.0])
    steps = [(time, draw(factors)) for time in times]
    return Trace(((0.0, draw(factors)), *steps, (until, 0.05)))


@dataclass
class Switch:
    """A service whose models are warm some time after they are wanted."""

    clock: Clock
    spec: LoadSpec = BIG
    fallbacks: tuple[LoadSpec, ...] = (OTHER,)
    warm_after: float = 1.0
    wanted: LoadSpec = BIG
    since: float = 0.0

    @property
    def in_force(self) -> bool:
        return self.spec == self.wanted

    def want(self, spec: LoadSpec) -> None:
        self.wanted, self.since = spec, self.clock.now()

    def settle(self, *, wait: bool = False) -> bool:
        ready = wait or self.clock.now() - self.since >= self.warm_after
        self.spec = self.wanted if ready else self.spec
        return ready


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: when, by which level, and which model had to answer."""

    time: float
    rung: Rung
    model: str
    request: Request
    finishing: bool
    took: float


@dataclass(slots=True)
class Uttered:
    """An utterance, and the level when it began and ended."""

    id: int
    source: str | None
    began: Rung
    start: float = 0.0
    end: float = 0.0
    ended: Rung = Rung.NORMAL


@dataclass(slots=True)
class Log:
    """What is to be known besides the events."""

    asked: list[Asked] = field(default_factory=list)
    uttered: dict[int, Uttered] = field(default_factory=dict)
    rungs: list[tuple[float, Rung]] = field(default_factory=list)


class Pressed(Player):
    """Play speeches on a machine whose speed follows ``trace``, with ladder and spool."""

    def __init__(
        self,
        said: Sequence[Speech],
        trace: Trace,
        *,
        spool: Spool[Aside] | None,
        chances: Conditions | None = None,
        options: LiveOptions | None = None,
        ladder: LadderOptions | None = HASTY,
        rescue: bool = False,
        watch: Callable[[Clock], Watch] | None = None,
    ) -> None:
        options = options or LiveOptions()
        super().__init__(said, chances or Conditions(block=(1600, 1600)), options, spool=spool)
        self._said = dict(zip((one.name for one in self.played.session.sources), said, strict=True))
        self.log = Log()
        self.switch = Switch(self.clock)
        decode = options.decode
        bounds = (options.least_interval, options.most_interval)
        base = OperatingPoint(BIG, decode.beam_size, decode.foreign_beam_size, *bounds)
        adjuster = Adjuster(
            Choices(base, (SMALL,), OTHER, rescue=OTHER if rescue else None),
            self.switch,
            Ladder(ladder) if ladder is not None else None,
            window=3.0 if ladder is HASTY else 10.0,
        )
        self.watch = watch(self.clock) if watch is not None else None
        self.keeping = KeepingUp(self.played.session, self.clock, adjuster, self.watch, waits=False)
        self._trace = trace
        self._over = False

    @property
    def levels(self) -> list[Level]:
        return [event for event in self.played.events if isinstance(event, Level)]

    @property
    def backfills(self) -> list[Backfill]:
        return [event for event in self.played.events if isinstance(event, Backfill)]

    def _takes(self, request: Request) -> float:
        now = self.clock.now()
        self.keeping.asked(request)
        model, rung = self.switch.spec.model, self.keeping.rung
        sound = sum(len(window.samples) for window in request.windows) / SAMPLE_RATE
        took = sound * COST[model] * self._trace.factor(now)
        self.log.asked.append(Asked(now, rung, model, request, self._over, took))
        return took

    def _answer(self, request: Request) -> None:
        session, now = self.played.session, self.clock.now()
        answers = [self._heard(asker.name, job) for asker, job in request.jobs]
        self._note(session.answer(request, answers, now, self._took))
        outcomes = [
            Lost(job.window.id, found) if isinstance(found, str) else found
            for (_, job), found in zip(request.jobs, answers, strict=True)
        ]
        self.keeping.answered(Answered(request, outcomes, self._took))
        self._tell()

    def _heard(self, name: str, job: Job) -> Hypothesis | str:
        if name != "backfill":
            return super()._heard(name, job)
        # It was on disk with 16 bits; to whom it belongs only the utterance knows.
        source = self.log.uttered[job.utterance.id].source
        assert source is not None
        start, count = job.window.start, len(job.window.samples)
        sound = self._said[source].sound(start, start + count)
        assert np.allclose(job.window.samples, sound, atol=1 / 32767)
        window = replace(job.window, samples=sound)
        return super()._heard(source, replace(job, window=window))

    def _observe(self) -> None:
        self.keeping.observe()
        rung = self.keeping.rung
        if not self.log.rungs or self.log.rungs[-1][1] is not rung:
            self.log.rungs.append((self.clock.now(), rung))
        self._tell()

    def _finish(self) -> None:
        self._over = True
        self._note(list(self.keeping.finish()))

    def _ask(self) -> None:
        super()._ask()
        self._note(self.played.session.backfilling.take_news())

    def _tell(self) -> None:
        position = max(one.position for one in self.played.session.sources) / SAMPLE_RATE
        self._note(list(self.keeping.news(position)))

    def _note(self, events: Sequence[Event]) -> None:
        rung = self.keeping.rung
        for event in events:
            if isinstance(event, SpeechStarted):
                self.log.uttered[event.id] = Uttered(event.id, event.source, rung)
            elif isinstance(event, SpeechEnded):
                one = self.log.uttered[event.id]
                one.start, one.end, one.ended = event.start, event.end, rung
        super()._note(events)


def skipped(log: Log) -> Iterator[Uttered]:
    """Yield what has to be put aside: at EMERGENCY every other utterance of a source."""
    last: dict[str | None, bool] = {}
    for one in sorted(log.uttered.values(), key=lambda it: it.id):
        skip = one.began is Rung.EMERGENCY and not last.get(one.source, False)
        last[one.source] = skip
        if skip and one.ended is Rung.EMERGENCY:
            yield one


def is_spooled(gap: Gap) -> bool:
    return gap.reason.startswith(SPOOLED)
