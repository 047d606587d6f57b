"""Sound and voice detector together: blocks in, blocks with what is known of their speech out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from echocli.audio.clip import WHOLE, Clip
from echocli.runtime.listening import Detector, Listening, silero
from echocli.types import Samples, Span
from echocli.vad.endpointer import Endpointer, VadOptions

PAUSE_MS = 100
"""Silence at which speech may be cut."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A block of sound and what is known of the speech up to its end."""

    samples: Samples
    islands: tuple[Span, ...]
    """Speech between two pauses, complete now."""
    open_start: int | None
    """Where speech began that is not over."""
    decided: int
    """Position before which no other island can begin."""


class Hearing:
    """Run the detector over an input; ``options`` of ``None`` takes all of it as speech.

    Outside of ``clip`` there is no speech, whatever is heard there.
    """

    def __init__(
        self,
        options: VadOptions | None,
        detector: Callable[[], Detector] = silero,
        clip: Clip = WHOLE,
    ) -> None:
        self.listening = Listening(detector if options is not None else None, clip)
        self.speech_samples = 0
        self.silences = 0
        """Stretches of silence between, before and behind the spans."""
        self.total = 0
        self._clip = clip
        self._last_end = 0
        # One finds speech, as the options say; the other the pauses in it, where it may be cut.
        self._endpointer = Endpointer(options or VadOptions(pad_ms=0, min_speech_ms=0))
        self._pauses = Endpointer(_finer(self._endpointer.options))
        self._spans: deque[Span] = deque(maxlen=100)
        self._pending: deque[Span] = deque()
        """Islands that may still turn out to be no speech."""

    def hear(self, block: Samples) -> Heard:
        """Take a block of sound."""
        self.total += len(block)
        probabilities = self.listening.probabilities(block)
        self._count(self._endpointer.feed(probabilities))
        self._pending.extend(self._pauses.feed(probabilities))
        islands = self._confirmed()
        start = self._pauses.open_start
        believed = self._endpointer.open_start
        if start is not None and (believed is None or believed > start):
            start = None
        return Heard(block, islands, start, self._decided(certain=start is not None))

    def finish(self) -> tuple[Span, ...]:
        """Take the end of the input; the last islands."""
        probabilities = self.listening.flush()
        self._count(self._endpointer.feed(probabilities))
        self._count(self._endpointer.finish(self.total))
        self._pending.extend(self._pauses.feed(probabilities))
        self._pending.extend(self._pauses.finish(self.total))
        self.silences += self._clip.inside(self._last_end, self.total) > 0
        return self._confirmed()

    def _confirmed(self) -> tuple[Span, ...]:
        """Return the islands that are speech for certain, in order."""
        found = []
        while self._pending:
            island = self._pending[0]
            certain = self._endpointer.certain
            known = (*self._spans, certain) if certain is not None else self._spans
            if any(_touch(island, span) for span in known):
                found.append(island)
            elif self._endpointer.settling or self._endpointer.decided < island.end:
                break
            self._pending.popleft()
        return tuple(found)

    def _decided(self, *, certain: bool) -> int:
        """Return before where no other island begins; the open one is no other once certain."""
        first = min((island.start for island in self._pending), default=self.total)
        doubtful = self._pauses.open_start
        if doubtful is not None and not certain:
            first = min(first, doubtful)
        return min(first, self._pauses.decided)

    def _count(self, spans: list[Span]) -> None:
        self._spans.extend(spans)
        for span in spans:
            self.silences += self._clip.inside(self._last_end, span.start) > 0
            self.speech_samples += self._clip.inside(span.start, span.end)
            self._last_end = span.end


def _finer(options: VadOptions) -> VadOptions:
    """Return options that end an island at every pause."""
    return VadOptions(
        threshold=options.threshold,
        neg_threshold=options.neg_threshold,
        min_speech_ms=0,
        min_silence_ms=min(PAUSE_MS, options.min_silence_ms),
        pad_ms=0,
    )


def _touch(island: Span, span: Span) -> bool:
    return island.start < span.end and span.start < island.end
