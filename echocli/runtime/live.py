"""A live source as a pure object: sound and speech probabilities in, requests and events out.

Nothing here waits, reads a clock or knows of threads: ``now`` is passed in. While somebody speaks
the open utterance is decoded again and again. As soon as a pause may be the end it is decoded for
good, so that the final is ready when the hangover is over. A partial is made when there is room for
it and never waits. Every sample lies in exactly one of: an utterance, a gap, or silence. Memory is
bounded: where more speech than :attr:`LiveOptions.backlog` waits, the oldest becomes a gap.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from echocli.audio.ring import AudioBuffer
from echocli.decoding.assemble import Assembler
from echocli.decoding.guards import Verdict, judge
from echocli.events import Event, Final, Gap, Partial, SpeechEnded, SpeechStarted
from echocli.providers.base import Hypothesis
from echocli.runtime.finishing import Finishing, Sound
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.runtime.live_stats import Latencies
from echocli.runtime.pace import Pace, awaiting, last_job, partial_job
from echocli.runtime.utterance import Utterance
from echocli.runtime.waiting import Waiting
from echocli.types import SAMPLE_RATE, Samples, Span, seconds
from echocli.vad.endpointer import FRAME
from echocli.vad.turns import Began, Ended, Reason, Turns

SHOWN = (Verdict.ACCEPT, Verdict.IMPROBABLE)
"""Hypotheses that are shown: half a word makes a text improbable, but not invented."""


class LiveSource:
    """One source: feed it, do its jobs, take its events."""

    def __init__(self, name: str, options: LiveOptions, ids: Iterator[int]) -> None:
        self.name = name
        self.options = options
        self.language: str | None = None
        """Of the newest final."""
        self.first_language: str | None = None
        self.latencies = Latencies()
        self.actions: Counter[str] = Counter()
        self.speech_samples = 0
        self.lost_samples = 0
        self.partials = 0
        self.finals = 0
        self.pace = Pace(options)
        self._ids = ids
        self._buffer = AudioBuffer()
        self._turns = Turns(options.turns)
        self._assembler = Assembler(keep_words=True)
        self._open: Utterance | None = None
        self._waiting = Waiting(options.backlog)
        self._time = 0.0
        """When the newest sound was there."""
        self._late = 0.0
        """How many seconds ago the newest sound was there when it was fed."""
        self._quiet_since = 0
        self._least_start = 0
        """Before it all sound belongs to another utterance or to a gap."""

    @property
    def position(self) -> int:
        """How many samples have come, lost ones counted."""
        return self._buffer.end

    @property
    def backlog(self) -> int:
        """Samples of speech that is over and not decoded."""
        return self._waiting.backlog

    @property
    def held(self) -> int:
        """Samples held."""
        return self._buffer.end - self._buffer.start + self._waiting.held

    @property
    def quiet_since(self) -> int | None:
        """Where the last speech ended; ``None`` while there is some."""
        return None if self._open is not None else self._quiet_since

    def heard(self, now: float) -> float:
        """Return how far the source is at the time ``now``, in samples."""
        return self.position + max(0.0, now - self._time) * SAMPLE_RATE

    def begin_at(self, position: int) -> None:
        """Count from ``position``: this source began so much later than another."""
        self._restart(position)
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
        self._buffer.append(samples)
        self._time = now
        self._late = late
        events: list[Event] = []
        # One frame at a time, so that the cutting of the input cannot change what is decoded.
        for probability in probabilities:
            events += self._frame(float(probability), now)
        self._forget()
        return events

    def lose(self, count: int, reason: str, now: float) -> list[Event]:
        """Take note that ``count`` samples are missing here."""
        events = self._stop(Reason.GAP, now)
        start = self._buffer.end
        self._time = now
        self.lost_samples += count
        self._restart(start + count)
        return [*events, Gap(seconds(start), seconds(start + count), reason, self.name)]

    def finish(self, now: float) -> list[Event]:
        """Take the end of the source; jobs may be left."""
        return self._stop(Reason.END, now)

    def jobs(self, kind: Kind, count: int) -> list[Job]:
        """Return up to ``count`` windows to decode now; each must be answered or withdrawn."""
        jobs = self._due(kind) if count > 0 else []
        for job in jobs[:count]:
            if (finishing := awaiting(job)) is not None:
                finishing.flying = True
        return jobs[:count]

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
            return self._show(job, finishing.result, now)
        return self._release(now)

    def withdraw(self, job: Job) -> None:
        """Take a job back that got no answer; it is given again, a partial when the next is due."""
        if (finishing := awaiting(job)) is not None:
            finishing.flying = False

    def give_up(self, reason: str) -> list[Event]:
        """Make gaps of everything that waits: nobody will decode it."""
        return [self._gap(one, reason) for one in self._waiting.drain()]

    def decoded(self, kind: Kind, secs: float) -> None:
        """Learn how long a request took."""
        if kind is Kind.PARTIAL:
            self.pace.learn(secs)

    def _frame(self, probability: float, now: float) -> list[Event]:
        at = self._turns.position
        frame = self._buffer.slice(min(at, self.position), min(at + FRAME, self.position))
        # The last frame may be cut short; an utterance must not be split behind what has come.
        loudness = float(np.abs(frame).mean()) if len(frame) == FRAME else math.inf
        return self._take(self._turns.feed([(probability, loudness)]), now)

    def _take(self, turns: list[Began | Ended], now: float) -> list[Event]:
        events: list[Event] = []
        for turn in turns:
            events += self._begin(turn) if isinstance(turn, Began) else self._end(turn, now)
        return events

    def _begin(self, turn: Began) -> list[Event]:
        sound_start = max(self._least_start, turn.start - self.options.pre_roll)
        self._open = Utterance(next(self._ids), turn.start, sound_start, reached=turn.start)
        return [SpeechStarted(self._open.id, seconds(turn.start), self.name)]

    def _end(self, turn: Ended, now: float) -> list[Event]:
        utterance, self._open = self._open, None
        assert utterance is not None
        utterance.end, utterance.reason = turn.end, turn.reason
        # What is known only now was decided where the frames end, perhaps in the middle of a block.
        utterance.ended_at = self.heard(now)
        sound = self._sound(utterance, turn.end)
        if not (utterance.finishing and utterance.finishing.is_of(sound)):
            utterance.finishing = self._finishing(sound)
        self._least_start = self._quiet_since = turn.end
        self.speech_samples += utterance.speech.length
        self._waiting.add(utterance)
        span = (seconds(turn.start), seconds(turn.end))
        ended = SpeechEnded(utterance.id, *span, str(turn.reason), self.name)
        return [ended, *self._relieve(), *self._release(now)]

    def _sound(self, utterance: Utterance, end: int) -> Sound:
        """Return the sound of an utterance that ends at ``end``."""
        behind = 0 if utterance.reason is Reason.SPLIT else self.options.post_roll
        # Not all that has come: somebody may speak again in what has not been looked at.
        last = min(end + behind, self._turns.position, self.position)
        samples = self._buffer.slice(utterance.sound_start, last)
        return Sound(utterance.sound_start, samples, Span(utterance.start, end))

    def _finishing(self, sound: Sound) -> Finishing:
        options = self.options
        return Finishing(sound, options.thresholds, options.tail, self.actions, self.language)

    def _due(self, kind: Kind) -> list[Job]:
        """Return the windows of a kind that nobody decodes."""
        if kind is Kind.FINAL:
            return [last_job(one, kind) for one in self._waiting.undone()]
        one = self._early() if kind is Kind.EARLY else self._partial()
        return [one] if one is not None else []

    def _early(self) -> Job | None:
        """Return the job to decode an utterance that may be over."""
        utterance, silence = self._open, self._turns.silence
        if utterance is None or silence is None or silence <= utterance.start:
            return None
        if self._turns.position - silence < self.options.turns.pause:
            return None
        finishing = utterance.finishing
        if finishing is None or finishing.sound.speech.end != silence:
            finishing = utterance.finishing = self._finishing(self._sound(utterance, silence))
        return last_job(utterance, Kind.EARLY) if finishing.undone else None

    def _partial(self) -> Job | None:
        """Return the job to decode the open utterance up to here, if it is time."""
        utterance = self._open
        if utterance is None or self._turns.silence is not None:
            return None
        if not self.pace.is_due(utterance, self._turns.position):
            return None
        end = min(self._turns.position, self.position)
        utterance.reached = end
        samples = self._buffer.slice(utterance.sound_start, end)
        return partial_job(utterance, samples, self.options, self.language)

    def _show(self, job: Job, found: Hypothesis, now: float) -> list[Event]:
        """Learn from a hypothesis of an utterance that goes on, and show it."""
        utterance, end = job.utterance, job.end
        verdict = judge(found, self.options.thresholds)
        if utterance.over or verdict not in SHOWN:
            return []
        # Nothing is committed that a cut could leave to the next utterance.
        options = self.options.turns
        whole = end - utterance.start < options.longest - options.zone
        # Nor what would not be believed of a final.
        settle = whole and verdict is Verdict.ACCEPT
        first, heard = not utterance.shown, self.heard(now)
        cut = job.kind is Kind.PARTIAL
        segment = utterance.show(found, end, heard, settle=settle, cut=cut)
        if segment is None:
            return []
        if first:
            self.latencies.note(self.latencies.first_partial, heard - utterance.start)
        self.partials += 1
        return [Partial(replace(segment, source=self.name), utterance.committed)]

    def _release(self, now: float) -> list[Event]:
        """Return the finals that are ready, in order."""
        return [event for one in self._waiting.ready() for event in self._final(one, now)]

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
        late = self._late * SAMPLE_RATE if now == self._time else 0.0
        utterance.note_times(self.latencies, self.heard(now) + late)
        return [Final(replace(segment, source=self.name))]

    def _gap(self, utterance: Utterance, reason: str) -> Gap:
        self.lost_samples += utterance.speech.length
        return Gap(
            seconds(utterance.speech.start), seconds(utterance.speech.end), reason, self.name
        )

    def _relieve(self) -> list[Event]:
        """Give up what has waited longest while too much waits."""
        return [self._gap(one, "decoding is too slow") for one in self._waiting.dropped()]

    def _stop(self, reason: Reason, now: float) -> list[Event]:
        return self._take(self._turns.finish(self.position, reason), now)

    def _restart(self, position: int) -> None:
        self._buffer = AudioBuffer(position)
        self._turns = Turns(self.options.turns, position)
        self._least_start = position

    def _forget(self) -> None:
        """Let go of sound that no utterance can need."""
        if self._open is not None:
            needed = self._open.sound_start
        else:
            needed = max(self._least_start, self._turns.undecided - self.options.pre_roll)
        self._buffer.drop_before(min(needed, self.position))
