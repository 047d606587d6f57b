"""From the sound of one utterance to its text: decode, judge, decode again, resume."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace

from echocli.decoding.attempts import Attempts
from echocli.decoding.guards import Thresholds
from echocli.decoding.placing import placed
from echocli.providers.base import EDGE, Hypothesis, Piece, Window
from echocli.types import SAMPLE_RATE, Samples, Span

EARLY = SAMPLE_RATE
"""Speech a text may leave out at its end."""

LEAST_REST = SAMPLE_RATE * 3 // 10
"""Speech that must be left to be decoded by itself."""

window_ids = itertools.count(1)
"""Ids of all windows of live sources."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Speech and the sound around it; positions in the source."""

    start: int
    samples: Samples
    speech: Span

    def behind(self, reach: int) -> Sound:
        """Return what is left ``reach`` samples after the start."""
        start = self.start + reach
        speech = Span(max(self.speech.start, start), self.speech.end)
        return Sound(start, self.samples[reach:], speech)


@dataclass(slots=True, eq=False)
class Finishing:
    """Follow the decoding of an utterance until its text is certain.

    :attr:`window` is what to decode now, ``None`` once :attr:`result` is there. Where the model
    stops well before the speech does, the rest is decoded by itself (openai/whisper's seek).
    """

    sound: Sound
    limits: Thresholds
    tail: int | None
    actions: Counter[str]
    language: str | None = None
    lost: str | None = None
    """Why it was given up, if it was."""
    flying: bool = False
    """Whether the window is being decoded."""
    window: Window | None = None
    _rest: Sound = field(init=False)
    _attempts: Attempts = field(init=False)
    _parts: list[tuple[Hypothesis, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the whole sound."""
        self._begin(self.sound)

    @property
    def done(self) -> bool:
        """Whether nothing is left to decode."""
        return self.window is None

    @property
    def undone(self) -> bool:
        """Whether there is a window that nobody decodes."""
        return self.window is not None and not self.flying

    def is_of(self, sound: Sound) -> bool:
        """Tell whether this decodes that sound."""
        mine = self.sound
        return mine.speech == sound.speech and len(mine.samples) == len(sound.samples)

    def accept(self, hypothesis: Hypothesis) -> None:
        """Take the answer to :attr:`window`."""
        used = self._attempts.accept(hypothesis)
        if used is None:
            self.window = self._attempts.window
            return
        self.window = None
        reach = used.consumed
        used = self._trimmed(used)
        self._parts.append((used, self._rest.start - self.sound.start))
        if used.pieces and self._stopped_early(reach):
            self.actions["early"] += 1
            self._begin(self._rest.behind(reach))

    def lose(self, reason: str) -> None:
        """Give it up."""
        self.window, self.lost = None, reason

    @property
    def result(self) -> Hypothesis:
        """All that was heard as one hypothesis; positions are relative to the sound's start."""
        first = self._parts[0][0]
        if len(self._parts) == 1:
            return first
        pieces = tuple(_shifted(piece, by) for found, by in self._parts for piece in found.pieces)
        return replace(
            first,
            pieces=pieces,
            avg_logprob=min(found.avg_logprob for found, _ in self._parts),
            no_speech_prob=max(found.no_speech_prob for found, _ in self._parts),
        )

    def _begin(self, sound: Sound) -> None:
        self._rest = sound
        window = Window(
            id=next(window_ids),
            start=sound.start,
            samples=sound.samples,
            temperature=self.limits.temperatures[0],
            tail=self.tail,
            language=self.language,
        )
        self._attempts = Attempts(window, self.limits, self.actions)
        self.window = window

    def _trimmed(self, hypothesis: Hypothesis) -> Hypothesis:
        """Drop text in the silence behind the sound, and keep times where somebody speaks."""
        limit = len(self._rest.samples) - EDGE
        kept = tuple(piece for piece in hypothesis.pieces if piece.start < limit)
        if len(kept) < len(hypothesis.pieces):
            self.actions["padding"] += 1
        return replace(hypothesis, pieces=placed(kept, [self._rest.speech], self._rest.start))

    def _stopped_early(self, reach: int) -> bool:
        left = self._rest.speech.end - (self._rest.start + reach)
        return reach > LEAST_REST and left > max(EARLY, LEAST_REST)


def _shifted(piece: Piece, by: int) -> Piece:
    words = piece.words and tuple(
        replace(word, start=word.start + by, end=word.end + by) for word in piece.words
    )
    return replace(piece, start=piece.start + by, end=piece.end + by, words=words)
