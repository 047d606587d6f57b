"""Cut a long input into stretches at pauses and decode them side by side.

Each stretch is decoded by Whisper's sequential method on its own, so that several windows can run
at once although each needs the text before it. Where a stretch begins depends on the sound alone,
never on how many run at once: the same file gives the same text on every machine.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from itertools import islice

from echocli.audio.ring import AudioBuffer
from echocli.decoding.sequential import Sequential, SequentialOptions
from echocli.events import Gap
from echocli.providers.base import Hypothesis, Window
from echocli.types import SAMPLE_RATE, Samples, Segment, Span


@dataclass(frozen=True, slots=True)
class StretchOptions:
    """When a stretch is long enough to be cut; in samples.

    Each cut costs the next window its context, so stretches span several windows.
    """

    shortest: int = 90 * SAMPLE_RATE
    """A stretch is not cut before this."""
    patient: int = 180 * SAMPLE_RATE
    """After this it is cut where two spans touch, before only at a real pause."""


@dataclass(slots=True)
class _Stretch:
    start: int
    decoder: Sequential
    held: list[Segment | Gap]
    """Results that wait for the stretches before this one."""


class Stretches:
    """Take sound and spans; give windows, several at once; return segments in order."""

    def __init__(
        self, options: SequentialOptions | None = None, cuts: StretchOptions | None = None
    ) -> None:
        self._options = options or SequentialOptions()
        self._cuts = cuts or StretchOptions()
        self._tail = AudioBuffer()
        self._fed = 0
        """How much of the sound the last stretch has."""
        self._spans_end = 0
        self._latest = -1
        self._count = 0
        self._past_windows = 0
        self._past_actions: Counter[str] = Counter()
        self._language: str | None = None
        self._stretches = deque([self._begin(0)])
        self._waiting: dict[int, _Stretch] = {}

    @property
    def language(self) -> str | None:
        """Language of the first text; later windows are decoded in it."""
        return self._language

    @property
    def windows(self) -> int:
        """Windows decoded so far."""
        return self._past_windows + sum(s.decoder.windows for s in self._stretches)

    @property
    def actions(self) -> Counter[str]:
        """How often each guard fired, by name."""
        return sum((s.decoder.actions for s in self._stretches), self._past_actions)

    @property
    def position(self) -> int:
        """Everything before this sample is decoded or silent."""
        return self._stretches[0].decoder.position

    @property
    def buffered(self) -> int:
        """Samples held."""
        return sum(s.decoder.buffered for s in self._stretches)

    def feed(
        self, samples: Samples, closed: tuple[Span, ...], open_start: int | None, decided: int
    ) -> None:
        """Take a block of sound and what the voice detector knows after it."""
        self._tail.append(samples)
        for span in closed:
            self._arrive(span.start)
            self._take(span)
        if open_start is not None:
            self._arrive(open_start)
        self._feed(self._tail.end, open_start, decided)
        self._tail.drop_before(min(decided, self._tail.end))

    def finish(self, closed: tuple[Span, ...]) -> None:
        """Take the last spans; no more sound will come."""
        for span in closed:
            self._arrive(span.start)
            self._take(span)
        self._stretches[-1].decoder.finish(())

    def requests(self, count: int) -> list[Window]:
        """Return up to ``count`` windows to decode now, of different stretches."""
        found = []
        for stretch in islice((s for s in self._stretches if not s.decoder.done), count):
            if (window := stretch.decoder.request()) is not None:
                self._waiting[window.id] = stretch
                found.append(window)
        return found

    def accept(self, hypothesis: Hypothesis) -> None:
        """Take the answer to a request."""
        stretch = self._waiting.pop(hypothesis.window_id)
        stretch.held.extend(stretch.decoder.accept(hypothesis))
        self._language = self._language or stretch.decoder.language

    def lose(self, window_id: int, reason: str) -> None:
        """Give a request up; it leaves a gap."""
        stretch = self._waiting.pop(window_id)
        stretch.held.append(stretch.decoder.lose(reason))

    def release(self) -> list[Segment | Gap]:
        """Return what is final now, in order, and forget stretches that are done."""
        out: list[Segment | Gap] = []
        while True:
            first = self._stretches[0]
            out.extend(self._numbered(item) for item in first.held)
            first.held.clear()
            if len(self._stretches) == 1 or not first.decoder.done:
                return out
            self._past_windows += first.decoder.windows
            self._past_actions += first.decoder.actions
            self._stretches.popleft()

    def _begin(self, start: int) -> _Stretch:
        return _Stretch(start, Sequential(self._options, position=start), [])

    def _feed(self, end: int, open_start: int | None, decided: int) -> None:
        """Give the last stretch the sound up to ``end`` that it does not have yet."""
        sound = self._tail.slice(min(self._fed, end), end)
        self._fed = max(self._fed, end)
        self._stretches[-1].decoder.feed(sound, (), open_start, decided)

    def _take(self, span: Span) -> None:
        self._spans_end = span.end
        nothing = self._tail.slice(self._tail.end, self._tail.end)
        self._stretches[-1].decoder.feed(nothing, (span,), None, span.end)

    def _arrive(self, start: int) -> None:
        """Look at speech that is new at ``start``; begin a stretch there if it is time."""
        if start <= self._latest:
            return
        self._latest = start
        length = start - self._stretches[-1].start
        paused = start > self._spans_end
        if length < self._cuts.shortest or not (paused or length >= self._cuts.patient):
            return
        if start > self._fed:
            self._feed(start, None, start)
        self._stretches[-1].decoder.finish(())
        self._stretches.append(self._begin(start))
        # What the old stretch has of this sound, the new one needs too.
        self._fed = start

    def _numbered(self, item: Segment | Gap) -> Segment | Gap:
        if isinstance(item, Gap):
            return item
        self._count += 1
        return replace(item, id=self._count - 1)
