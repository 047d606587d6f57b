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


@dataclass(frozen=True, slots=True)
class TokenPieces:
    """All pieces of a window and the number of samples they account for.

    ``complete`` is false when the model stopped inside a segment: what follows the last pair of
    timestamps is left to the next window, which starts at ``consumed``.
    """

    pieces: tuple[TokenPiece, ...]
    consumed: int
    complete: bool


def split_pieces(tokens: Sequence[int], timestamp_begin: int, length: int) -> TokenPieces:
    """Split the tokens of a window of ``length`` samples at their timestamp pairs.

    Pieces lie in order inside the window whatever the model wrote.
    """
    reached = 0

    def position(token: int) -> int:
        nonlocal reached
        reached = min(max((token - timestamp_begin) * SAMPLES_PER_TIMESTAMP, reached), length)
        return reached

    def is_time(index: int) -> bool:
        return tokens[index] >= timestamp_begin

    cuts = [i for i in range(1, len(tokens)) if is_time(i) and is_time(i - 1)]
    single_ending = len(tokens) >= 2 and is_time(-1) and not is_time(-2)
    if not cuts:
        return TokenPieces((_whole(tokens, timestamp_begin, length),), length, complete=True)
    if single_ending:
        cuts.append(len(tokens))
    pieces = tuple(
        TokenPiece(position(tokens[a]), position(tokens[b - 1]), tuple(tokens[a:b]))
        for a, b in zip([0, *cuts[:-1]], cuts, strict=True)
    )
    consumed = length if single_ending else position(tokens[cuts[-1] - 1])
    return TokenPieces(pieces, consumed, single_ending)


def _whole(tokens: Sequence[int], timestamp_begin: int, length: int) -> TokenPiece:
    times = [token - timestamp_begin for token in tokens if token >= timestamp_begin]
    end = min(times[-1] * SAMPLES_PER_TIMESTAMP, length) if times and times[-1] > 0 else length
    return TokenPiece(0, end, tuple(tokens))
