"""Several live sources and one model: which windows are decoded next."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from echocli.events import Event, Gap
from echocli.providers.base import DecodeOptions, Hypothesis, Window
from echocli.runtime.backfill import Aside, Backfilling
from echocli.runtime.line import Line, Ticket
from echocli.runtime.live import LiveSource
from echocli.runtime.live_options import LAST, Job, Kind, LiveOptions
from echocli.runtime.operating import OperatingPoint
from echocli.runtime.spool import Spool
from echocli.runtime.utterance import Utterance
from echocli.types import SAMPLE_RATE

PLACES = 256
"""Requests that may be in line; what finds no place asks again."""

SESSION = "live"
"""Name of the only session."""


class Asker(Protocol):
    """Whoever has windows to decode."""

    @property
    def name(self) -> str:
        """Name of the source."""
        ...

    def due(self, kind: Kind) -> list[int]:
        """Return a number for each window of a kind that there is to decode now."""
        ...

    def jobs(self, kind: Kind, count: int) -> list[Job]:
        """Return up to ``count`` of them; each must be answered or withdrawn."""
        ...

    def answer(self, job: Job, answer: Hypothesis | str, now: float) -> list[Event]:
        """Take what became of a job: a hypothesis, or why there is none."""
        ...

    def withdraw(self, job: Job) -> None:
        """Take a job back that got no answer."""
        ...

    def decoded(self, kind: Kind, secs: float) -> None:
        """Learn how long a request took."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """Windows to decode together; answers come back in their order."""

    kind: Kind
    jobs: tuple[tuple[Asker, Job], ...]
    options: DecodeOptions
    urgency: int
    """How urgent it is among those of others that share the model: its kind, or ``LAST``."""

    @property
    def windows(self) -> list[Window]:
        """The windows to send."""
        return [job.window for _, job in self.jobs]

    @property
    def settles(self) -> bool:
        """Whether it is for finals; partials and what was put aside yield to those."""
        return self.kind in (Kind.FINAL, Kind.EARLY)


class LiveSession:
    """Share a model between sources: finals before partials, and the first source first."""

    def __init__(
        self,
        names: Sequence[str],
        options: LiveOptions,
        spool: Spool[Aside] | None = None,
        first_id: int = 0,
    ) -> None:
        ids = itertools.count(first_id)
        self.backfilling = Backfilling(options, spool)
        self.sources = [LiveSource(name, options, ids, self._put) for name in names]
        self.may_backfill = False
        """Whether there is time for what was put aside."""
        self.finishing = False
        """Whether what was put aside is all that is left to do."""
        self.catches_up = True
        """Whether what was put aside is to be decoded in this run at all."""
        self.line: Line[Asker] = Line(PLACES)
        self._enlisted: set[Hashable] = set()
        """Keys of what was due when somebody last looked."""
        self._options = options
        self._final = options.decode
        self._partial = _quick(options.decode)

    @property
    def backlog(self) -> int:
        """Samples of speech that is over and not decoded, of all sources."""
        return sum(source.backlog for source in self.sources)

    def outranks(self, request: Request) -> bool:
        """Tell whether something is due that is more urgent than a request that waits.

        What may have been over when it was asked for, and is now, is itself more urgent.
        """
        if request.kind is Kind.EARLY and any(job.utterance.over for _, job in request.jobs):
            return True
        kinds = [kind for kind in Kind if kind < request.kind]
        return any(source.due(kind) for source in self.sources for kind in kinds)

    def settled(self) -> dict[str, int]:
        """Return by source up to where all is final, silence, or a gap that stays one."""
        settled = {source.name: source.settled for source in self.sources}
        for name, start in self.backfilling.starts:
            settled[name] = min(settled[name], start)
        return settled

    def salvage(self, now: float) -> None:
        """Keep on disk what was heard and has no text, where a run is broken off."""
        for source in self.sources:
            source.finish(now)
            self.put_aside()
            source.give_up("the run was broken off", now)

    def idle_backlog(self, now: float) -> float:
        """Return how many samples of speech wait that is over and that nobody decodes."""
        return sum(source.idle_backlog(now) for source in self.sources)

    @property
    def actions(self) -> Counter[str]:
        """How often each guard fired."""
        return sum((one.actions for one in self.sources), Counter(self.backfilling.actions))

    @property
    def language(self) -> str | None:
        """What is spoken: the language of the newest finals, ``mul`` (ISO 639-2) for several."""
        spoken = {one.language for one in self.sources if one.language is not None}
        return "mul" if len(spoken) > 1 else next(iter(spoken), None)

    def waited_ms(self) -> list[float]:
        """Return how long each window of the last request had waited."""
        return self.line.taken_ms

    def adjust(self, point: OperatingPoint) -> None:
        """Do as much as the point says."""
        decode, chunk = self._options.decode, point.least_interval
        eased = chunk > self._options.least_interval
        self._final = replace(
            decode,
            beam_size=point.beam_size,
            foreign_beam_size=point.foreign_beam_size,
            chunk_seconds=chunk / SAMPLE_RATE if eased else decode.chunk_seconds,
        )
        self._partial = _quick(self._final)
        for source in self.sources:
            source.adjust(point)

    def put_aside(self) -> list[Gap]:
        """Take what sources have no time for; the gaps it leaves."""
        gaps = []
        for source in self.sources:
            held = source.putting_off.take()
            gaps += [self._put(source, utterance, reason) for utterance, reason in held]
        return gaps

    def enlist(self, now: float) -> None:
        """Put what is due in line, and take out what is not any more.

        What waits while something else is decoded has waited since the first call that found it.
        """
        tickets = {ticket.key: ticket for kind in Kind for ticket in self._tickets(kind)}
        for key in self._enlisted - tickets.keys():
            self.line.cancel(SESSION, key)
        for ticket in tickets.values():
            self.line.offer(ticket, now)
        self._enlisted = set(tickets)

    def request(self, most: int, now: float = 0.0) -> Request | None:
        """Return the most urgent windows, at most ``most``; ``None`` while there is no work.

        What is returned must be given to :meth:`answer` or :meth:`withdraw`.
        """
        self.enlist(now)
        while tickets := self.line.take(most, now):
            kind = Kind(tickets[0].urgency)
            # What was put aside may turn out to be gone from the disk.
            jobs = [(one.work, job) for one in tickets for job in one.work.jobs(kind, 1)]
            if jobs:
                options = self._partial if kind is Kind.PARTIAL else self._final
                return Request(kind, tuple(jobs), options, self._urgency(kind))
        return None

    def _urgency(self, kind: Kind) -> int:
        """Return as what a request goes; somebody waits for the last of what was put aside."""
        return LAST if kind is Kind.BACKFILL and self.finishing else int(kind)

    def answer(
        self, request: Request, answers: Sequence[Hypothesis | str], now: float, secs: float
    ) -> list[Event]:
        """Take the answers to a request, which took ``secs``; a string says why there is none."""
        events: list[Event] = []
        for (asker, job), found in zip(request.jobs, answers, strict=True):
            events += asker.answer(job, found, now)
            asker.decoded(request.kind, secs)
        return events

    def withdraw(self, request: Request) -> None:
        """Take a request back that got no answer."""
        for asker, job in request.jobs:
            asker.withdraw(job)

    def _tickets(self, kind: Kind) -> Iterator[Ticket[Asker]]:
        askers: Sequence[Asker] = self.sources
        if kind is Kind.BACKFILL:
            askers = [self.backfilling] if self.may_backfill and self.catches_up else []
        for rank, asker in enumerate(askers):
            for number in asker.due(kind):
                yield Ticket(SESSION, int(kind), (kind, asker.name, number), asker, rank)

    def _put(self, source: LiveSource, utterance: Utterance, reason: str) -> Gap:
        return self.backfilling.put(Aside(source.name, utterance, source.language), reason)


def _quick(options: DecodeOptions) -> DecodeOptions:
    """Return how partials are decoded."""
    return replace(options, beam_size=1, foreign_beam_size=None, word_timestamps=False)
