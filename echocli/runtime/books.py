"""What a host knows of all its guests together: the load, the record, the level of the ladder.

Several threads tell it; one, the host's, looks.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from echocli.clock import Clock
from echocli.events import Event
from echocli.providers.base import Hypothesis
from echocli.runtime.adjusting import Adjuster, Standing
from echocli.runtime.ladder import Load, Rung
from echocli.runtime.line import Waits
from echocli.runtime.operating import OperatingPoint
from echocli.runtime.rtf import LoadMeter
from echocli.runtime.supervisor import Outcome
from echocli.runtime.watch import Now, Watch

LIVE = "live"
FILES = "files"
"""Sources of load in the record: names of guests would make it grow for ever."""


class Books:
    """Add up what guests tell, follow the ladder, keep the record. Thread-safe.

    The load is the sum of the RTFs of all live sources: they share one model.
    """

    def __init__(self, watch: Watch, adjuster: Adjuster, clock: Clock) -> None:
        self._watch = watch
        self._adjuster = adjuster
        self._clock = clock
        self._lock = threading.RLock()
        self._meter = LoadMeter(adjuster.window)
        self._standing = Standing()
        self._stands: dict[str, Now] = {}
        self._languages: dict[str, str] = {}
        self._inferences = Waits()
        """How long each took."""
        self._past = Now()
        """What guests that are gone have put aside and lost."""
        self.shed = 0
        """Partials that came too late to be decoded."""

    @property
    def window(self) -> float:
        """Seconds over which the load is measured."""
        return self._adjuster.window

    @property
    def point(self) -> OperatingPoint:
        """How decoding is done."""
        return self._adjuster.point

    @property
    def rung(self) -> Rung:
        """The level that is in force, or about to be."""
        return self._adjuster.rung

    @property
    def announced(self) -> Rung:
        """The level that was told last."""
        return self._adjuster.announced

    @property
    def recovers_at(self) -> float:
        """RTF below which there is room for what was put off."""
        return self._adjuster.recovers_at

    @property
    def short_of_memory(self) -> bool:
        """Whether so little memory is left that the kernel may soon end somebody."""
        with self._lock:
            return self._watch.short_of_memory

    @property
    def load(self) -> float | None:
        """The RTF of the last seconds, over all live sources."""
        with self._lock:
            return self._meter.rtf(self._clock.now())

    def asked(self, waited_ms: Sequence[float], flight: float) -> None:
        """Take note of a request with ``flight`` seconds of live finals."""
        with self._lock:
            self._meter.begin(self._clock.now(), flight)
            self._watch.asked(waited_ms)

    def answered(
        self, outcomes: Sequence[Outcome], shares: Mapping[str, float], *, live: bool, final: bool
    ) -> None:
        """Take note of an answer; ``shares`` are the seconds it took by guest."""
        with self._lock:
            now = self._clock.now()
            self._meter.end(now)
            if live and final:
                for guest, secs in shares.items():
                    self._meter.busy(guest, secs, now)
            busy = {LIVE if live else FILES: sum(shares.values())}
            self._watch.answered(outcomes, busy, final=final)
            for outcome in outcomes:
                if isinstance(outcome, Hypothesis):
                    self._inferences.note(outcome.decode_ms)

    def covered(self, guest: str, secs: float, *, live: bool) -> None:
        """Take note that so much more of a guest's sound is decoded."""
        with self._lock:
            if live:
                self._meter.covered(guest, secs, self._clock.now())
            self._watch.covered(LIVE if live else FILES, secs)

    def stands(self, guest: str, at: Now) -> None:
        """Take how a live guest stands."""
        with self._lock:
            self._stands[guest] = at

    def heard(self, guest: str, language: str | None) -> None:
        """Take the language that a guest's speakers speak."""
        if language is not None:
            with self._lock:
                self._languages[guest] = language

    def forget(self, guest: str) -> None:
        """Take note that a guest is gone."""
        with self._lock:
            self._languages.pop(guest, None)
            self._meter.forget(guest)
            if (last := self._stands.pop(guest, None)) is not None:
                self._past = _sum([self._past, last])

    def observe(self, *, pressure: bool) -> list[Event]:
        """Look at how it goes, and return what everybody must know.

        Under ``pressure`` of the line less is asked for, whatever the load is.
        """
        with self._lock:
            now = self._clock.now()
            waiting = sum(at.backlog for at in self._stands.values())
            standing = self._standing.note(now, waiting if pressure else 0.0)
            rtf = self._meter.rtf(now)
            spoken = set(self._languages.values())
            self._adjuster.heard(spoken.pop() if len(spoken) == 1 else None)
            self._adjuster.observe(now, Load(rtf, standing, self._watch.short_of_memory))
            total = _sum([self._past, *self._stands.values()])
            at = replace(total, rtf=rtf, rung=self.announced, backlog=waiting)
            return [*self._adjuster.news(now, 0.0), *self._watch.look(at)]

    def record(self) -> dict[str, Any]:
        """Return the health of the provider that serves."""
        with self._lock:
            return self._watch.record()

    def figures(self) -> dict[str, Any]:
        """Return the health of every provider, and what only grows."""
        with self._lock:
            health = self._watch.health
            return {
                "health": health.record(),
                "providers": health.records(),
                "counters": health.counters(),
                "level": self.announced.name,
                "load": self._meter.rtf(self._clock.now()),
                "partials_shed": self.shed,
                "inference_ms": self._inferences.to_dict(),
                "inference_total_ms": self._inferences.total_ms,
            }

    def shed_one(self) -> None:
        """Count a partial that came too late."""
        with self._lock:
            self.shed += 1


def _sum(stands: Sequence[Now]) -> Now:
    """Add up what several runs have put aside and lost."""
    ratios = [at.speech_ratio for at in stands if at.speech_ratio is not None]
    return Now(
        depth=sum(at.depth for at in stands),
        speech_ratio=sum(ratios) / len(ratios) if ratios else None,
        skipped=sum(at.skipped for at in stands),
        spooled=sum(at.spooled for at in stands),
        dropped=sum(at.dropped for at in stands),
        dropped_chunks=sum(at.dropped_chunks for at in stands),
    )
