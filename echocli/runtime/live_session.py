"""Several live sources and one model: which windows are decoded next."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from echocli.events import Event
from echocli.providers.base import DecodeOptions, Hypothesis, Window
from echocli.runtime.live import LiveSource
from echocli.runtime.live_options import Job, Kind, LiveOptions


@dataclass(frozen=True, slots=True)
class Request:
    """Windows to decode together; answers come back in their order."""

    kind: Kind
    jobs: tuple[tuple[LiveSource, Job], ...]
    options: DecodeOptions

    @property
    def windows(self) -> list[Window]:
        """The windows to send."""
        return [job.window for _, job in self.jobs]


class LiveSession:
    """Share a model between sources: finals before partials, and the first source first."""

    def __init__(self, names: Sequence[str], options: LiveOptions) -> None:
        ids = itertools.count()
        self.sources = [LiveSource(name, options, ids) for name in names]
        self._final = options.decode
        self._partial = replace(
            options.decode, beam_size=1, foreign_beam_size=None, word_timestamps=False
        )

    @property
    def backlog(self) -> int:
        """Samples of speech that is over and not decoded, of all sources."""
        return sum(source.backlog for source in self.sources)

    def request(self, most: int) -> Request | None:
        """Return the most urgent windows, at most ``most``; ``None`` while there is no work.

        What is returned must be given to :meth:`answer` or :meth:`withdraw`.
        """
        for kind in Kind:
            jobs: list[tuple[LiveSource, Job]] = []
            for source in self.sources:
                jobs += [(source, job) for job in source.jobs(kind, most - len(jobs))]
            if jobs:
                options = self._partial if kind is Kind.PARTIAL else self._final
                return Request(kind, tuple(jobs), options)
        return None

    def answer(
        self, request: Request, answers: Sequence[Hypothesis | str], now: float, secs: float
    ) -> list[Event]:
        """Take the answers to a request, which took ``secs``; a string says why there is none."""
        events: list[Event] = []
        for (source, job), found in zip(request.jobs, answers, strict=True):
            events += source.answer(job, found, now)
            source.decoded(request.kind, secs)
        return events

    def withdraw(self, request: Request) -> None:
        """Take a request back that got no answer."""
        for source, job in request.jobs:
            source.withdraw(job)
