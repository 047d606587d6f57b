"""From sound to segments as a pure object: windows out, answers back, segments in order.

Windows do not depend on one another, so as many as there are can be decoded together; where the
model stops before the speech of a window ends, the rest becomes a window of its own
(openai/whisper's seek, one window at a time only where it is needed). With
``condition_on_previous_text`` each window waits for the text before it.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from echocli.decoding.assemble import Assembler, has_words
from echocli.decoding.attempts import Attempts
from echocli.decoding.guards import Thresholds
from echocli.decoding.packing import Packed, Packer, PackOptions, speech_between
from echocli.decoding.placing import placed
from echocli.decoding.presets import RECIPES, Preset, Recipe
from echocli.decoding.tails import Tails
from echocli.events import Gap
from echocli.providers.base import EDGE, Hypothesis, Window
from echocli.types import SAMPLE_RATE, Samples, Segment, Span, seconds

CONTEXT_RESET_TEMPERATURE = 0.5
"""Text decoded hotter than this is no context for the next (openai/whisper)."""

CONTEXT_TOKENS = 224
"""Previous text kept: half of the decoder's 448 positions."""

EARLY = SAMPLE_RATE
"""Sound a text may leave out at the end of its window."""

LEAST_REST = SAMPLE_RATE * 3 // 10
"""Speech that must be left for a window of its own."""

_window_ids = itertools.count()


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """How sound becomes windows and hypotheses become segments."""

    packing: PackOptions = field(default_factory=PackOptions)
    tail: int | None = RECIPES[Preset.BALANCED].tail
    """Samples of silence behind a window; ``None`` fills up to 30 s."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    condition_on_previous_text: bool = False
    keep_words: bool = False
    """Give segments their words."""
    tails: Tails = field(default_factory=Tails)

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """Return the options of a preset."""
        return cls(packing=PackOptions(longest=recipe.longest), tail=recipe.tail)


@dataclass(slots=True, eq=False)
class _Job:
    """A window on its way."""

    packed: Packed
    attempts: Attempts | None = None
    waiting: bool = False
    result: Hypothesis | Gap | None = None
    """What came of it; a hypothesis without pieces where there was nothing."""


class Pipeline:
    """Take sound and islands of speech; give windows, several at once; return segments in order."""

    def __init__(self, options: PipelineOptions | None = None) -> None:
        self.language: str | None = None
        """Language of the first text; later windows are decoded in it."""
        self.actions: Counter[str] = Counter()
        """How often each guard fired, by name."""
        self.windows = 0
        """Windows decoded so far."""
        self._options = options or PipelineOptions()
        self._packer = Packer(self._options.packing)
        self._assembler = Assembler(keep_words=self._options.keep_words)
        self._jobs: deque[_Job] = deque()
        self._asked: dict[int, _Job] = {}
        self._context: tuple[int, ...] = ()

    @property
    def position(self) -> int:
        """Everything before this sample is decoded or silent."""
        return self._jobs[0].packed.span.start if self._jobs else self._packer.position

    @property
    def buffered(self) -> int:
        """Samples held."""
        return self._packer.buffered + sum(len(job.packed.samples) for job in self._jobs)

    def feed(
        self, samples: Samples, islands: Sequence[Span], open_start: int | None, decided: int
    ) -> None:
        """Take a block of sound and what is known of the speech after it."""
        self._packer.feed(samples, islands, open_start, decided)

    def finish(self, islands: Sequence[Span]) -> None:
        """Take the last islands; no more sound will come."""
        self._packer.finish(islands)

    def requests(self, count: int) -> list[Window]:
        """Return up to ``count`` windows to decode now; none of them is given twice."""
        while (packed := self._packer.next()) is not None:
            self._jobs.append(_Job(packed))
        if self._options.condition_on_previous_text:
            count = min(count, 1)
            count -= len(self._asked)
        todo = (job for job in self._jobs if job.result is None and not job.waiting)
        return [self._request(job) for job in itertools.islice(todo, max(0, count))]

    def accept(self, hypothesis: Hypothesis) -> None:
        """Take the answer to a request."""
        job = self._asked.pop(hypothesis.window_id)
        job.waiting = False
        assert job.attempts is not None
        self.windows += 1
        used = job.attempts.accept(hypothesis)
        if used is None:
            return
        if used.pieces:
            used = self._without_padding(job, used)
            packed = job.packed
            used = replace(used, pieces=placed(used.pieces, packed.islands, packed.span.start))
            self._resume(job, used)
            used = self._without_bad_tail(job, used)
        job.result = used
        self._remember(used, job.attempts.window.temperature)

    def lose(self, window_id: int, reason: str) -> None:
        """Give a request up; it leaves a gap."""
        job = self._asked.pop(window_id)
        span = job.packed.span
        job.result = Gap(seconds(span.start), seconds(span.end), reason)
        self._context = ()

    def withdraw(self, window_id: int) -> None:
        """Take a request back that got no answer; it is given again."""
        self._asked.pop(window_id).waiting = False

    def release(self) -> list[Segment | Gap]:
        """Return what is final now, in order."""
        out: list[Segment | Gap] = []
        while self._jobs and (result := self._jobs[0].result) is not None:
            span = self._jobs.popleft().packed.span
            if isinstance(result, Gap):
                out.append(result)
            else:
                out.extend(self._assembler.segments(result, span))
        return out

    def _request(self, job: _Job) -> Window:
        if job.attempts is None:
            limits = self._options.thresholds
            window = Window(
                id=next(_window_ids),
                start=job.packed.span.start,
                samples=job.packed.samples,
                previous=self._context,
                temperature=limits.temperatures[0],
                tail=self._options.tail,
            )
            job.attempts = Attempts(window, limits, self.actions)
        window = replace(job.attempts.window, language=self.language)
        self._asked[window.id] = job
        job.waiting = True
        return window

    def _without_padding(self, job: _Job, hypothesis: Hypothesis) -> Hypothesis:
        """Drop text the model has put into the silence behind the window."""
        limit = len(job.packed.samples) - EDGE
        kept = tuple(piece for piece in hypothesis.pieces if piece.start < limit)
        if len(kept) == len(hypothesis.pieces):
            return hypothesis
        self.actions["padding"] += 1
        return replace(hypothesis, pieces=kept)

    def _without_bad_tail(self, job: _Job, hypothesis: Hypothesis) -> Hypothesis:
        """Drop the text of a last piece of sound that is too little to be believed."""
        rule = self._options.tails.broken(hypothesis, job.packed.samples)
        if rule is None or not job.packed.last:
            return hypothesis
        self.actions[rule] += 1
        return replace(hypothesis, pieces=())

    def _resume(self, job: _Job, hypothesis: Hypothesis) -> None:
        """Make a window of the speech behind a text that ends early."""
        span, reach = job.packed.span, hypothesis.consumed
        if not 0 < reach < span.length - EARLY:
            return
        start = span.start + reach
        rest = tuple(speech_between(job.packed.islands, start, span.end))
        if sum(island.length for island in rest) <= LEAST_REST or reach <= LEAST_REST:
            return
        self.actions["early"] += 1
        following = Packed(
            Span(start, span.end), job.packed.samples[reach:], rest, last=job.packed.last
        )
        job.packed = Packed(Span(span.start, start), job.packed.samples[:reach], ())
        self._jobs.insert(self._jobs.index(job) + 1, _Job(following))

    def _remember(self, hypothesis: Hypothesis, temperature: float) -> None:
        """Keep the language and the context; ``temperature`` is that of the last attempt."""
        if self.language is None and any(has_words(piece.text) for piece in hypothesis.pieces):
            self.language = hypothesis.language
        hot = temperature > CONTEXT_RESET_TEMPERATURE
        if hot or not self._options.condition_on_previous_text:
            self._context = ()
            return
        new = [t for piece in hypothesis.pieces if has_words(piece.text) for t in piece.tokens]
        self._context = (*self._context, *new)[-CONTEXT_TOKENS:]
