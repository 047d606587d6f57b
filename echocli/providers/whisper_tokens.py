"""Read Whisper's output tokens: where the timed pieces are, and how far they reach.

Whisper writes ``<|t0|> text <|t1|><|t2|> text <|t3|>``: a pair of timestamps separates finished
segments. The rules follow ``transcribe()`` of openai/whisper (whisper/transcribe.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from echocli.types import SAMPLE_RATE

SAMPLES_PER_TIMESTAMP = SAMPLE_RATE // 50
"""One timestamp token is 20 ms (openai/whisper, ``time_precision``)."""


@dataclass(frozen=True, slots=True)
class TokenPiece:
    """Tokens of one timed piece, timestamps included; positions in samples from the window."""

    start: int
    end: int
    tokens: tuple[int, ...]


def split_pieces(
    tokens: Sequence[int], timestamp_begin: int, end_token: int, length: int
) -> tuple[TokenPiece, ...]:
    """Split the tokens of a window of ``length`` samples at their timestamps.

    Pieces are in order; one may begin at ``length`` or later, in the silence behind the window.
    Text without a last timestamp reaches to the end of the window.
    """
    pieces: list[TokenPiece] = []
    start = 0
    inside: list[int] = []
    for token in tokens:
        if token >= timestamp_begin:
            at = max((token - timestamp_begin) * SAMPLES_PER_TIMESTAMP, start)
            if any(t < end_token for t in inside):
                pieces.append(TokenPiece(start, max(start, min(at, length)), (*inside, token)))
                inside = []
            else:
                inside = [token]
            start = at
        else:
            inside.append(token)
    if any(t < end_token for t in inside):
        pieces.append(TokenPiece(start, max(start, length), tuple(inside)))
    return tuple(pieces)
