"""Keep times where somebody speaks.

Whisper's times, aligned or not, give a pause to the word before it or to the one behind it. Voice
detection knows the edges of speech to a frame of 32 ms, so a time that lies in a pause is moved to
the edge it belongs to.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from echocli.providers.base import Piece, TimedWord
from echocli.types import SAMPLE_RATE, Span

SLACK = SAMPLE_RATE * 15 // 100
"""Samples a time may lie outside of speech: soft consonants are no speech to the detector."""

FRINGE = SAMPLE_RATE * 15 // 100
"""Samples before or behind a pause that are not taken for a part of a word across the pause."""


def placed(pieces: Sequence[Piece], islands: Sequence[Span], origin: int) -> tuple[Piece, ...]:
    """Move times out of pauses; ``origin`` is the position of the pieces' window in the input."""
    speech = [Span(one.start - origin, one.end - origin) for one in islands]
    return tuple(_piece(piece, speech) for piece in pieces)


def _piece(piece: Piece, speech: Sequence[Span]) -> Piece:
    start, end = _moved(piece.start, piece.end, speech)
    if not piece.words:
        return replace(piece, start=start, end=end)
    words = tuple(_word(word, speech) for word in piece.words)
    return replace(piece, start=words[0].start, end=words[-1].end, words=words)


def _word(word: TimedWord, speech: Sequence[Span]) -> TimedWord:
    start, end = _moved(word.start, word.end, speech)
    return replace(word, start=start, end=end)


def _moved(start: int, end: int, speech: Sequence[Span]) -> tuple[int, int]:
    """Return the times without the pauses at their ends; as they are where all is pause."""
    first = bisect_right(speech, start, key=lambda span: span.end)
    last = bisect_left(speech, end, key=lambda span: span.start)
    touched = speech[first:last]
    parts = [min(end, span.end) - max(start, span.start) for span in touched]
    while len(parts) > 1 and parts[0] <= min(FRINGE, parts[1]):
        touched, parts = touched[1:], parts[1:]
    while len(parts) > 1 and parts[-1] <= min(FRINGE, parts[-2]):
        touched, parts = touched[:-1], parts[:-1]
    if not touched:
        return start, end
    return max(start, touched[0].start - SLACK), min(end, touched[-1].end + SLACK)
