"""Whisper's own sequential method as a pure object: sound in, windows out, segments back.

Seek by timestamps, previous text as prompt, decode again hotter where a guard fires
(openai/whisper, ``transcribe()``). Feed it sound and spans; while :meth:`Sequential.request` gives
a window, decode it and hand the answer to :meth:`Sequential.accept` or :meth:`Sequential.lose`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from echocli.decoding.assemble import Assembler, has_words
from echocli.decoding.guards import NO_TEXT, Thresholds, Verdict, best, judge
from echocli.decoding.windows import WindowOptions, WindowPlanner
from echocli.events import Gap
from echocli.providers.base import Hypothesis, Window
from echocli.types import SAMPLE_RATE, Samples, Segment, Span, seconds

CONTEXT_RESET_TEMPERATURE = 0.5
"""Text decoded hotter than this is no context for the next (openai/whisper)."""

CONTEXT_TOKENS = 224
"""Previous text kept: half of the decoder's 448 positions."""

_window_ids = itertools.count()


@dataclass(frozen=True, slots=True)
class SequentialOptions:
    """How windows follow one another."""

    windows: WindowOptions = field(default_factory=WindowOptions)
    thresholds: Thresholds = field(default_factory=Thresholds)
    condition_on_previous_text: bool = True
    keep_words: bool = False
    """Give segments their words."""


class Sequential:
    """Decode sound in order, one window at a time; ``position`` is where it begins."""

    def __init__(self, options: SequentialOptions | None = None, *, position: int = 0) -> None:
        self.language: str | None = None
        """Language of the first window with text; for an input decoded without a fixed one."""
        self.actions: Counter[str] = Counter()
        """How often each guard fired, by name."""
        self.windows = 0
        self._options = options or SequentialOptions()
        self._planner = WindowPlanner(self._options.windows, position=position)
        self._assembler = Assembler(keep_words=self._options.keep_words)
        self._context: tuple[int, ...] = ()
        self._span: Span | None = None
        self._window: Window | None = None
        self._tried: list[Hypothesis] = []

    @property
    def position(self) -> int:
        """Everything before this sample is decoded or silent."""
        return self._planner.position

    @property
    def done(self) -> bool:
        """Whether all of the sound is decoded and no more will come."""
        return self._window is None and self._planner.exhausted

    @property
    def buffered(self) -> int:
        """Samples held."""
        return self._planner.buffered

    def feed(
        self, samples: Samples, closed: Sequence[Span], open_start: int | None, decided: int
    ) -> None:
        """Take a block of sound and what the voice detector knows after it."""
        self._planner.feed(samples, closed, open_start, decided)

    def finish(self, closed: Sequence[Span]) -> None:
        """Take the last spans; no more sound will come."""
        self._planner.finish(closed)

    def request(self) -> Window | None:
        """Return the window to decode now, or ``None`` until more sound has come."""
        if self._window is None and (span := self._planner.next()) is not None:
            self._span = span
            self._window = Window(
                id=next(_window_ids),
                start=span.start,
                samples=self._planner.sound(span),
                previous=self._context,
                temperature=self._options.thresholds.temperatures[0],
            )
        return self._window

    def accept(self, hypothesis: Hypothesis) -> list[Segment]:
        """Take the answer to the last request; the segments that are final now."""
        self._tried.append(hypothesis)
        verdict = judge(hypothesis, self._options.thresholds)
        if verdict in (Verdict.REPETITIVE, Verdict.IMPROBABLE):
            self.actions[verdict] += 1
            if self._try_hotter():
                return []
            hypothesis = best(self._tried, self._options.thresholds)
            hypothesis = replace(hypothesis, temperature=self._tried[-1].temperature)
        if verdict in NO_TEXT:
            self.actions[verdict] += 1
            return self._leave(self._current().length, [])
        return self._leave(self._reach(hypothesis), self._emit(hypothesis))

    def lose(self, reason: str) -> Gap:
        """Give the last request up; the gap it leaves."""
        span = self._current()
        self._context = ()
        self._leave(span.length, [])
        return Gap(seconds(span.start), seconds(span.end), reason)

    def _try_hotter(self) -> bool:
        ladder = self._options.thresholds.temperatures
        if len(self._tried) >= len(ladder):
            return False
        assert self._window is not None
        self._window = replace(self._window, temperature=ladder[len(self._tried)])
        return True

    def _emit(self, hypothesis: Hypothesis) -> list[Segment]:
        segments = self._assembler.segments(hypothesis, self._current())
        if segments and self.language is None:
            self.language = hypothesis.language
        self._remember(hypothesis)
        return segments

    def _remember(self, hypothesis: Hypothesis) -> None:
        hot = hypothesis.temperature > CONTEXT_RESET_TEMPERATURE
        if hot or not self._options.condition_on_previous_text:
            self._context = ()
            return
        new = [t for piece in hypothesis.pieces if has_words(piece.text) for t in piece.tokens]
        self._context = (*self._context, *new)[-CONTEXT_TOKENS:]

    def _reach(self, hypothesis: Hypothesis) -> int:
        """Return how far to go on; a model that accounts for nothing must not stop the run."""
        length = self._current().length
        reach = min(hypothesis.consumed, length)
        return reach if reach >= SAMPLE_RATE // 50 else length

    def _leave(self, reach: int, segments: list[Segment]) -> list[Segment]:
        self._planner.advance(self._current().start + reach)
        self.windows += 1
        self._window = None
        self._span = None
        self._tried = []
        return segments

    def _current(self) -> Span:
        assert self._span is not None, "no window is being decoded"
        return self._span
