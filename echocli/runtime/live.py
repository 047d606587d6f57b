"""A live source as a pure object: sound and speech probabilities in, requests and events out.

Nothing here waits, reads a clock or knows of threads: ``now`` is passed in. While somebody speaks
the open utterance is decoded again and again. As soon as a pause may be the end it is decoded for
good, so that the final is ready when the hangover is over. A partial is made when there is room for
it and never waits. Every sample lies in exactly one of: an utterance, a gap, or silence. Memory is
bounded: where more speech than :attr:`LiveOptions.backlog` waits, the oldest becomes a gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from echocli.decoding.assemble import Assembler
from echocli.events import Event, Final, Gap, Partial, SpeechEnded, SpeechStarted
from echocli.providers.base import Hypothesis
from echocli.runtime.finishing import Finishing, Sound
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.runtime.live_stand import LiveStand
from echocli.runtime.live_stats import Latencies
from echocli.runtime.operating import OperatingPoint
from echocli.runtime.pace import Pace, awaiting, last_job, partial_job
from echocli.runtime.putting_off import PutAside, PuttingOff
from echocli.runtime.showing import shown
from echocli.runtime.utterance import Utterance
from echocli.types import Samples, seconds
from echocli.vad.turns import Began, Ended, Reason


class LiveSource(LiveStand):
    """One source: feed it, do its jobs, take its events.

    ``put`` takes what is given up; without it that is lost.
    """

    def __init__(
        self, name: str, options: LiveOptions, ids: Iterator[int], put: PutAside | None = None
    ) -> None:
        super().__init__(options)
        self.name = name
        self.options = options
        self.language: str | None = None
        """Of the newest final."""
        self.first_language: str | None = None
        self.latencies = Latencies()
        self.actions: Counter[str] = Counter()
        self.speech_samples = 0
        self.lost_samples = 0
        self.losses = 0
        self.partials = 0
        self.finals = 0
        self.utterances = 0
        self.pace = Pace(options)
        self.putting_off = PuttingOff()
        self.covered = 0
        """Samples that finals account for since somebody looked, silence before them included."""
        self._partials = True
        self._ids = ids
        self._put = put
        self._assembler = Assembler(keep_words=True)

    def adjust(self, point: OperatingPoint) -> None:
        """Do as much as the point says."""
        options = self.options
        eased = point.least_interval > options.least_interval
        first = point.least_interval if eased else options.first
        self.pace.adjust(first, point.least_interval, point.most_interval)
        self._partials, self.putting_off.active = point.partials, point.spool

    def begin_at(self, position: int) -> None:
        """Count from ``position``: this source began so much later than another."""
        self._sound.restart(position)
        self._quiet_since = position

    def feed(
        self,
        samples: Samples,
        probabilities: NDArray[np.float32],
        now: float,
        late: float = 0.0,
    ) -> list[Event]:
        """Take sound and the probabilities of the frames it completes.

        ``now`` is when the sound was there, ``late`` how many seconds ago that is.
        """
        events: list[Event] = []
        for turn in self._sound.feed(samples, probabilities, now, late):
            events += self._take(turn, now)
        self._sound.forget(self._open)
        return events

    def lose(self, count: int, reason: str, now: float) -> list[Event]:
        """Take note that ``count`` samples are missing here."""
        events = self._stop(Reason.GAP, now)
        start = self.position
        self.lost_samples += count
        self.losses += 1
        end = self._sound.skip(count, now)
        return [*events, Gap(seconds(start), seconds(end), reason, self.name)]

    def finish(self, now: float) -> list[Event]:
        """Take the end of the source; jobs may be left."""
        return self._stop(Reason.END, now)

    def jobs(self, kind: Kind, count: int) -> list[Job]:
        """Return up to ``count`` windows to decode now; each must be answered or withdrawn."""
        jobs = self._due(kind) if count > 0 else []
        for job in jobs[:count]:
            if (finishing := awaiting(job)) is not None:
                finishing.flying = True
            else:
                self.pace.begin(job.utterance, job.end)
        return jobs[:count]

    def due(self, kind: Kind) -> list[int]:
        """Return the ids of the utterances that have a window of a kind to decode now."""
        if kind is Kind.PARTIAL:  # making the window would copy its sound
            return [self._open.id] if self._open is not None and self._wants_partial else []
        return [job.utterance.id for job in self._due(kind)]

    def answer(self, job: Job, answer: Hypothesis | str, now: float) -> list[Event]:
        """Take what became of a job: a hypothesis, or why there is none."""
        if job.kind is Kind.PARTIAL:
            return [] if isinstance(answer, str) else self._show(job, answer, now)
        finishing = awaiting(job)
        if finishing is None:
            return []  # somebody went on speaking: that was not the end
        finishing.flying = False
        if isinstance(answer, str):
            finishing.lose(answer)
        else:
            finishing.accept(answer)
        if not job.utterance.over and finishing.done and finishing.lost is None:
            return self._show(job, finishing.result, now) if self._partials else []
        return self._release(now)

    def withdraw(self, job: Job) -> None:
        """Take a job back that got no answer; it is given again, a partial when the next is due."""
        if (finishing := awaiting(job)) is not None:
            finishing.flying = False

    def give_up(self, reason: str, now: float) -> list[Event]:
        """Make gaps of everything that has no text: nobody will decode it in this run."""
        events: list[Event] = []
        for one in self._waiting.drain():
            if one.finishing and one.finishing.done:
                events += self._final(one, now)
            else:
                events.append(self._put(self, one, reason) if self._put else self._gap(one, reason))
        return events

    def decoded(self, kind: Kind, secs: float) -> None:
        """Learn how long a request took."""
        if kind is Kind.PARTIAL:
            self.pace.learn(secs)

    def _take(self, turn: Began | Ended, now: float) -> list[Event]:
        return self._begin(turn) if isinstance(turn, Began) else self._end(turn, now)

    def _begin(self, turn: Began) -> list[Event]:
        sound_start = self._sound.beginning(turn.start)
        self._open = Utterance(next(self._ids), turn.start, sound_start, reached=turn.start)
        self.putting_off.choose(self._open)
        return [SpeechStarted(self._open.id, seconds(turn.start), self.name)]

    def _end(self, turn: Ended, now: float) -> list[Event]:
        utterance, self._open = self._open, None
        assert utterance is not None
        utterance.end, utterance.reason = turn.end, turn.reason
        # What is known only now was decided where the frames end, perhaps in the middle of a block.
        utterance.ended_at = self.heard(now)
        sound = self._sound.of(utterance, turn.end)
        if not (utterance.finishing and utterance.finishing.is_of(sound)):
            utterance.finishing = self._finishing(sound)
        utterance.covers = turn.end - self._sound.least_start  # not what was lost before it
        self._sound.least_start = self._quiet_since = turn.end
        self.speech_samples += utterance.speech.length
        self.utterances += 1
        if self.putting_off.takes(utterance) and not utterance.finishing.done:
            self.putting_off.add(utterance, "the machine is too slow")
        else:
            self._waiting.add(utterance)
        span = (seconds(turn.start), seconds(turn.end))
        events: list[Event] = [
            SpeechEnded(utterance.id, *span, str(turn.reason), self.name),
            *self._release(now),
        ]
        # What has waited longest makes way while too much waits.
        for one in self._waiting.dropped():
            self.putting_off.add(one, "too much waits")
            events += self._release(now)  # perhaps only that one was in the way
        return events

    def _finishing(self, sound: Sound) -> Finishing:
        options = self.options
        return Finishing(sound, options.thresholds, options.tail, self.actions, self.language)

    def _due(self, kind: Kind) -> list[Job]:
        """Return the windows of a kind that nobody decodes."""
        if kind is Kind.FINAL:
            return [last_job(one, kind) for one in self._waiting.undone()]
        if kind is Kind.BACKFILL:
            return []
        one = self._early() if kind is Kind.EARLY else self._partial()
        return [one] if one is not None else []

    def _early(self) -> Job | None:
        """Return the job to decode an utterance that may be over."""
        utterance, silence = self._open, self._sound.silence
        if utterance is None or silence is None or silence <= utterance.start:
            return None
        if self._sound.pause < self.options.turns.pause or self.putting_off.takes(utterance):
            return None
        finishing = utterance.finishing
        if finishing is None or finishing.sound.speech.end != silence:
            finishing = utterance.finishing = self._finishing(self._sound.of(utterance, silence))
        return last_job(utterance, Kind.EARLY) if finishing.undone else None

    def _partial(self) -> Job | None:
        """Return the job to decode the open utterance up to here, if it is time."""
        utterance = self._open if self._wants_partial else None
        if utterance is None:
            return None
        return partial_job(utterance, self._sound.so_far(utterance), self.options, self.language)

    @property
    def _wants_partial(self) -> bool:
        utterance = self._open
        if utterance is None or self._sound.silence is not None or not self._partials:
            return False
        return self.pace.is_due(utterance, self._sound.looked)

    def _show(self, job: Job, found: Hypothesis, now: float) -> list[Event]:
        """Learn from a hypothesis of an utterance that goes on, and show it."""
        first, heard = not job.utterance.shown, self.heard(now)
        segment = shown(job, found, self.options, heard)
        if segment is None:
            return []
        if first:
            self.latencies.note(self.latencies.first_partial, heard - job.utterance.start)
        self.partials += 1
        return [Partial(replace(segment, source=self.name), job.utterance.committed)]

    def _release(self, now: float) -> list[Event]:
        """Return the finals that are ready, in order."""
        ready = list(self._waiting.ready())
        self.covered += sum(one.covers for one in ready)
        return [event for one in ready for event in self._final(one, now)]

    def _final(self, utterance: Utterance, now: float) -> list[Event]:
        assert utterance.finishing is not None
        if utterance.finishing.lost is not None:
            return [self._gap(utterance, utterance.finishing.lost)]
        segment = utterance.segment(self._assembler, keep_words=self.options.keep_words)
        if segment is None:
            return []
        self.finals += 1
        self.language = segment.language
        self.first_language = self.first_language or segment.language
        utterance.note_times(self.latencies, self.heard(now) + self._sound.lateness(now))
        return [Final(replace(segment, source=self.name))]

    def _gap(self, utterance: Utterance, reason: str) -> Gap:
        self.lost_samples += utterance.speech.length
        self.losses += 1
        return Gap(
            seconds(utterance.speech.start), seconds(utterance.speech.end), reason, self.name
        )

    def _stop(self, reason: Reason, now: float) -> list[Event]:
        return [event for turn in self._sound.finish(reason) for event in self._take(turn, now)]
