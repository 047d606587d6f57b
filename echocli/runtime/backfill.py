"""Utterances that are put aside while there is no time for them, and decoded later.

Their sound waits on disk. Putting one aside leaves a gap; decoding it fills the gap.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from echocli.decoding.assemble import Assembler
from echocli.errors import OutputError
from echocli.events import DISCARDED, SPOOLED, Backfill, Event, Gap
from echocli.providers.base import Hypothesis
from echocli.runtime.finishing import Finishing, Sound
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.runtime.pace import awaiting, last_job
from echocli.runtime.spool import Spool, SpoolLost
from echocli.runtime.utterance import Utterance
from echocli.types import Samples, Segment, seconds


class DropPolicy(StrEnum):
    """What becomes of speech there is no time for."""

    SPOOL = "spool"
    """It is kept on disk and decoded later."""
    DISCARD = "discard"
    """It is not decoded at all."""


@dataclass(frozen=True, slots=True)
class Aside:
    """An utterance of a source that was put aside, and why."""

    source: str
    utterance: Utterance
    language: str | None


class Backfilling:
    """Keep what was put aside, and decode one at a time when asked for work."""

    name = "backfill"

    def __init__(self, options: LiveOptions, spool: Spool[Aside] | None) -> None:
        self.spooled_samples = 0
        self.filled_samples = 0
        self.discarded_samples = 0
        self.discarded = 0
        """Utterances that will never be decoded."""
        self.filled = 0
        self._options = options
        self._spool = spool
        self.actions: Counter[str] = Counter()
        self._current: Aside | None = None
        self._held: deque[tuple[Aside, Samples]] = deque()
        """What did not fit on the disk."""
        self._news: list[Event] = []
        self._starts: dict[int, tuple[str, int]] = {}

    @property
    def starts(self) -> Collection[tuple[str, int]]:
        """Source and first sample of each utterance that waits."""
        return self._starts.values()

    @property
    def pending(self) -> int:
        """Utterances that wait."""
        kept = len(self._spool) if self._spool is not None else 0
        return kept + len(self._held) + (self._current is not None)

    @property
    def waiting_samples(self) -> int:
        """Samples of speech that wait."""
        return self.spooled_samples - self.filled_samples

    def put(self, aside: Aside, reason: str) -> Gap:
        """Put an utterance aside; the gap that it leaves says for how long."""
        utterance = aside.utterance
        finishing, utterance.finishing = utterance.finishing, None
        assert finishing is not None
        if self._spool is None:
            return self._discard(aside, reason)
        try:
            self._spool.put(aside, finishing.sound.samples, _place(aside))
        except OutputError as error:
            if not self._hold(aside, finishing.sound.samples):
                return self._discard(aside, str(error))
        utterance.sound_start = finishing.sound.start
        self.spooled_samples += utterance.speech.length
        self._starts[utterance.id] = (aside.source, utterance.sound_start)
        return _gap(aside, f"{SPOOLED}: {reason}")

    def _hold(self, aside: Aside, samples: Samples) -> bool:
        """Keep a sound in memory for which there is no room on disk, as much as may wait there."""
        held = sum(len(one) for _, one in self._held)
        if held + len(samples) > self._options.backlog:
            return False
        self._held.append((aside, samples))
        return True

    def due(self, kind: Kind) -> list[int]:
        """Return a number for the window that there is to decode now, if there is one."""
        if kind is not Kind.BACKFILL or not self.pending:
            return []
        finishing = self._current.utterance.finishing if self._current is not None else None
        return [0] if finishing is None or finishing.undone else []

    def jobs(self, kind: Kind, count: int) -> list[Job]:
        """Return the window to decode now, if there is one and nobody decodes it."""
        if kind is not Kind.BACKFILL or count < 1:
            return []
        if self._current is None:
            self._current = self._next()
        finishing = self._current.utterance.finishing if self._current is not None else None
        if self._current is None or finishing is None or not finishing.undone:
            return []
        finishing.flying = True
        return [last_job(self._current.utterance, kind)]

    def answer(self, job: Job, answer: Hypothesis | str, now: float) -> list[Event]:
        """Take what became of a job."""
        del now
        aside, finishing = self._current, awaiting(job)
        if aside is None or finishing is None:
            return []
        finishing.flying = False
        if isinstance(answer, str):
            self._current = None
            self.spooled_samples -= aside.utterance.speech.length
            return [self._discard(aside, answer)]
        finishing.accept(answer)
        return [self._fill(aside)] if finishing.done else []

    def withdraw(self, job: Job) -> None:
        """Take a job back that got no answer; it is given again."""
        if (finishing := awaiting(job)) is not None:
            finishing.flying = False

    def decoded(self, kind: Kind, secs: float) -> None:
        """Learn how long a request took: nothing is to be learned."""

    def _next(self) -> Aside | None:
        """Return the oldest that can be read, its sound in memory again."""
        while self._held or (self._spool is not None and len(self._spool)):
            try:
                if self._spool is not None and len(self._spool):
                    aside, samples = self._spool.take()
                else:
                    aside, samples = self._held.popleft()
            except SpoolLost as error:
                self.spooled_samples -= error.what.utterance.speech.length
                self._news.append(self._discard(error.what, str(error)))
                continue
            utterance, options = aside.utterance, self._options
            sound = Sound(utterance.sound_start, samples, utterance.speech)
            utterance.finishing = Finishing(
                sound, options.thresholds, options.tail, self.actions, aside.language
            )
            return aside
        return None

    def take_news(self) -> list[Event]:
        """Return what happened while work was asked for."""
        news, self._news = self._news, []
        return news

    def discard(self) -> None:
        """Remove what is kept, and keep nothing from now on."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def close(self) -> tuple[Path, float] | None:
        """Leave on disk what was not decoded; where it is, and how many seconds of speech."""
        if self._spool is None:
            return None
        if self._current is not None and (finishing := self._current.utterance.finishing):
            self._held.append((self._current, finishing.sound.samples))
            self._current = None
        while self._held:
            aside, samples = self._held.popleft()
            try:
                self._spool.put(aside, samples, _place(aside))
            except OutputError as error:
                self.spooled_samples -= aside.utterance.speech.length
                self._discard(aside, str(error))
        directory = self._spool.keep()
        self._spool.close()
        return None if directory is None else (directory, seconds(self.waiting_samples))

    def _fill(self, aside: Aside) -> Backfill:
        """Return the text; a gap without words is filled with none."""
        self._current = None
        utterance = aside.utterance
        self._starts.pop(utterance.id, None)
        self.filled_samples += utterance.speech.length
        self.filled += 1
        assembler = Assembler(keep_words=True)  # it comes out of order
        segment = utterance.segment(assembler, keep_words=self._options.keep_words)
        utterance.finishing = None
        if segment is None:
            span = (seconds(utterance.speech.start), seconds(utterance.speech.end))
            segment = Segment(utterance.id, *span, "")
        return Backfill(replace(segment, source=aside.source))

    def _discard(self, aside: Aside, reason: str) -> Gap:
        self.discarded += 1
        self._starts.pop(aside.utterance.id, None)
        self.discarded_samples += aside.utterance.speech.length
        return _gap(aside, f"{DISCARDED}: {reason}")

    def stats(self) -> Mapping[str, float]:
        """Return what was put aside, in seconds of speech."""
        return {
            "spooled_seconds": seconds(self.spooled_samples),
            "backfilled_seconds": seconds(self.filled_samples),
            "discarded_seconds": seconds(self.discarded_samples),
            "discarded_utterances": self.discarded,
        }


def _gap(aside: Aside, reason: str) -> Gap:
    speech = aside.utterance.speech
    return Gap(seconds(speech.start), seconds(speech.end), reason, aside.source)


def _place(aside: Aside) -> str:
    """Return where an utterance is, for the name of a file."""
    source = "".join(char if char.isalnum() else "-" for char in Path(aside.source).stem)
    return f"{source[:40]}-{seconds(aside.utterance.start):.1f}s"
