"""How a live run keeps up: measure the load, follow the ladder, put off what can wait."""

from __future__ import annotations

from collections.abc import Iterator

from echocli.clock import Clock
from echocli.events import Event, Failover, Level, Notice
from echocli.runtime.adjusting import Standing
from echocli.runtime.decoder import Answered
from echocli.runtime.following import Following, Watching
from echocli.runtime.ladder import Load, Rung
from echocli.runtime.live_session import LiveSession, Request
from echocli.runtime.operating import Change
from echocli.runtime.resting import Resting
from echocli.runtime.rtf import LoadMeter
from echocli.runtime.stats import RunStats
from echocli.runtime.watch import Now
from echocli.types import SAMPLE_RATE

EVERY = 0.25
"""Seconds between two looks at the load."""


class KeepingUp:
    """Tell the ladder how it goes, and the session what to do; for one thread.

    Where sound ``waits`` for the model only the RTF counts: it can come as fast as it likes.
    """

    def __init__(
        self,
        session: LiveSession,
        clock: Clock,
        adjuster: Following | None,
        watch: Watching | None,
        *,
        waits: bool,
        rest: Resting | None = None,
    ) -> None:
        self.meter = LoadMeter(adjuster.window if adjuster is not None else LoadMeter().window)
        self._session = session
        self._clock = clock
        self._adjuster = adjuster
        self._watch = watch
        self._waits = waits
        self._rest = rest
        self._standing = Standing()
        self._looked = float("-inf")
        self._flight = 0.0
        """Seconds of finals that are being decoded."""
        self._due = False
        """Whether the watch has not looked since."""
        self._finishing = False
        """Whether only what was put aside is left to do."""
        if adjuster is not None and adjuster.rung is not Rung.NORMAL:
            session.adjust(adjuster.point)  # others share the model, and it is too much already

    @property
    def rung(self) -> Rung:
        """The level of the ladder."""
        return self._adjuster.rung if self._adjuster is not None else Rung.NORMAL

    @property
    def rtf(self) -> float | None:
        """The load of the last seconds."""
        return self.meter.rtf(self._clock.now())

    @property
    def in_force(self) -> Rung:
        """The level that was announced last."""
        return self._adjuster.announced if self._adjuster is not None else Rung.NORMAL

    def asked(self, request: Request) -> None:
        """Take note of what is being decoded."""
        self._flight = _sound(request) if request.settles else 0.0
        self.meter.begin(self._clock.now(), self._flight)
        if self._watch is not None:
            self._watch.asked(self._session.waited_ms())

    def answered(self, done: Answered) -> None:
        """Take note of how long that took; the sources have their answers."""
        now = self._clock.now()
        self.meter.end(now)
        self._flight = 0.0
        total = _sound(done.request) or 1.0
        shares: dict[str, float] = {}
        for asker, job in done.request.jobs:
            share = done.busy * len(job.window.samples) / SAMPLE_RATE / total
            shares[asker.name] = shares.get(asker.name, 0.0) + share
        if done.request.settles:
            for name, secs in shares.items():
                self.meter.busy(name, secs, now)
        if self._watch is not None:
            self._watch.answered(done.outcomes, shares, final=done.request.settles)
        self._cover(now)

    def observe(self) -> None:
        """Look at the load, and change what is done about it."""
        now = self._clock.now()
        self._session.enlist(now)
        if now - self._looked < EVERY:
            return
        self._looked, self._due = now, True
        if self._watch is not None and self._watch.loading:
            self.meter.begin(now, self._flight)  # waiting for a model is no inference
        self._cover(now)
        if self._rest is not None:
            self._rest.observe(self._quiet())
        if self._adjuster is None or self._adjuster.held:
            self._session.may_backfill = self._finishing or not self._session.backlog
            return
        rtf = self.meter.rtf(now)
        waiting = self._standing.note(now, self._session.idle_backlog(now) / SAMPLE_RATE)
        short = self._watch is not None and self._watch.short_of_memory
        self._adjuster.heard(self._session.language)
        before = self.rung
        behind = sum(source.waiting(now) for source in self._session.sources) / SAMPLE_RATE
        load = Load(rtf, waiting, short, behind)
        changed = self._adjuster.observe(now, Load(rtf, 0.0, short) if self._waits else load)
        if changed and self.rung >= before:
            self._session.adjust(self._adjuster.point)  # what is taken back waits for the model
        idle = not self._session.backlog and self.rung <= Rung.WARNING
        room = idle and (rtf or 0.0) < self._adjuster.recovers_at
        # At the end there is nothing to wait for: others may keep the level up for hours.
        self._session.may_backfill = self._finishing or room

    def news(self, position: float) -> Iterator[Event]:
        """Yield what came of it; ``position`` is how far the sources are, in seconds."""
        if self._adjuster is not None:
            for event in self._adjuster.news(self._clock.now(), position):
                if isinstance(event, Level | Failover):
                    self._session.adjust(self._adjuster.point)
                yield event
        if self._watch is not None and self._due:
            self._due = False
            yield from self._watch.look(self._stand(position))

    def finish(self) -> Iterator[Event]:
        """No more sound comes: do what was put aside, as well as at the beginning."""
        backfilling = self._session.backfilling
        self._finishing = self._session.may_backfill = self._session.finishing = True
        # To load a larger model again would only delay the last words where nothing was put aside.
        if not backfilling.pending:
            return
        secs = backfilling.waiting_samples / SAMPLE_RATE
        yield Notice(
            "catching_up",
            f"{secs:.0f} s of speech that was kept is decoded now; Ctrl-C ends at once",
        )
        if self._adjuster is not None:
            self._adjuster.restore()
            self._session.adjust(self._adjuster.point)

    def change(self, change: Change) -> None:
        """Have another model serve: somebody asked for it."""
        if self._adjuster is not None:
            self._adjuster.change(change)

    def close(self, stats: RunStats) -> Iterator[Event]:
        """Write the last figures; ``stats`` gets the record."""
        if self._watch is None:
            return
        self._cover(self._clock.now())
        yield from self._watch.look(self._stand(stats.audio_seconds))
        yield from self._watch.close()
        stats.health = self._watch.record()

    def end(self) -> None:
        """Write the last figures of a run that was broken off."""
        if self._watch is not None:
            self._watch.close()

    def _quiet(self) -> float | None:
        """Return for how many seconds nobody has spoken, with all that was said decoded."""
        session = self._session
        if session.backlog or session.backfilling.pending:
            return None
        quiet = [(source.quiet_since, source.position) for source in session.sources]
        silences = [now - since for since, now in quiet if since is not None]
        return min(silences) / SAMPLE_RATE if len(silences) == len(quiet) else None

    def _stand(self, position: float) -> Now:
        session = self._session
        speech = sum(source.speech_samples for source in session.sources) / SAMPLE_RATE
        heard = position * len(session.sources)
        backfilling = session.backfilling
        lost = sum(source.lost_samples for source in session.sources)
        return Now(
            rtf=self.rtf,
            rung=self.in_force,
            backlog=session.backlog / SAMPLE_RATE,
            depth=session.line.depth,
            speech_ratio=round(speech / heard, 4) if heard else None,
            skipped=sum(source.utterances for source in session.sources),
            spooled=backfilling.spooled_samples / SAMPLE_RATE,
            dropped=(lost + backfilling.discarded_samples) / SAMPLE_RATE,
            dropped_chunks=backfilling.discarded + sum(one.losses for one in session.sources),
        )

    def _cover(self, now: float) -> None:
        for source in self._session.sources:
            covered, source.covered = source.covered / SAMPLE_RATE, 0
            self.meter.covered(source.name, covered, now)
            if self._watch is not None:
                self._watch.covered(source.name, covered)


def _sound(request: Request) -> float:
    return sum(len(job.window.samples) for _, job in request.jobs) / SAMPLE_RATE
