"""Turn a hypothesis into segments on the input's own time line."""

from __future__ import annotations

import math

from echocli.decoding.guards import compression_ratio
from echocli.providers.base import Hypothesis, Piece, TimedWord
from echocli.types import Segment, Span, Word, seconds


def confidence(avg_logprob: float) -> float:
    """Return ``clamp(1 + avg_logprob / 2, 0, 1)``, 0 for a value that is not a number."""
    if math.isnan(avg_logprob):
        return 0.0
    return round(min(max(1.0 + avg_logprob / 2.0, 0.0), 1.0), 4)


def has_words(text: str) -> bool:
    """Tell whether a text has anything to say: a letter or a digit."""
    return any(character.isalnum() for character in text)


class Assembler:
    """Number segments and keep their times in order and inside their window."""

    def __init__(self, *, keep_words: bool = False) -> None:
        self._keep_words = keep_words
        self._count = 0
        self._last_end = 0

    def segments(self, hypothesis: Hypothesis, window: Span) -> list[Segment]:
        """Return the non-empty segments of a hypothesis; times never run backwards."""
        ratio = compression_ratio(hypothesis.text.strip())
        return [
            self._segment(piece, hypothesis, window, ratio)
            for piece in hypothesis.pieces
            if has_words(piece.text)
        ]

    def _segment(self, piece: Piece, hypothesis: Hypothesis, window: Span, ratio: float) -> Segment:
        start = self._in_order(window, piece.start)
        self._last_end = start
        words = self._words(piece.words, window) if self._keep_words else None
        end = max(self._in_order(window, piece.end), self._last_end)
        self._last_end = end
        self._count += 1
        return Segment(
            id=self._count - 1,
            start=seconds(start),
            end=seconds(end),
            text=piece.text.strip(),
            avg_logprob=round(hypothesis.avg_logprob, 4),
            no_speech_prob=round(hypothesis.no_speech_prob, 4),
            compression_ratio=round(ratio, 4),
            confidence=confidence(hypothesis.avg_logprob),
            temperature=hypothesis.temperature,
            words=words,
            language=hypothesis.language,
        )

    def _words(self, words: tuple[TimedWord, ...] | None, window: Span) -> tuple[Word, ...] | None:
        return None if words is None else tuple(self._word(word, window) for word in words)

    def _word(self, word: TimedWord, window: Span) -> Word:
        start = self._in_order(window, word.start)
        end = max(start, self._in_order(window, word.end))
        self._last_end = end
        return Word(seconds(start), seconds(end), word.text, round(word.probability, 4))

    def _in_order(self, window: Span, offset: int) -> int:
        return max(min(window.start + offset, window.end), window.start, self._last_end)
