"""When each word was said and how likely a text is, by Whisper's cross-attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from echocli.providers.base import Piece, TimedWord
from echocli.providers.whisper_tokens import TokenPiece
from echocli.types import SAMPLE_RATE

FRAME_SAMPLES = 160
"""Samples between two mel frames."""

PREPENDED = "\"'“¿([{-"
APPENDED = "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the next or previous word (openai/whisper's defaults)."""


@dataclass(frozen=True, slots=True)
class Aligner:
    """Give words their times through the model's cross-attention."""

    model: Any
    tokenizer: Any
    encoded: Any

    def align(self, split: Sequence[TokenPiece], length: int) -> tuple[Piece, ...]:
        """Return the pieces of a window of ``length`` samples with word times."""
        rows = [
            {
                "seek": 0,
                "start": piece.start / SAMPLE_RATE,
                "end": piece.end / SAMPLE_RATE,
                "tokens": list(piece.tokens),
            }
            for piece in split
        ]
        self.model.add_word_timestamps(
            [rows],
            self.tokenizer,
            self.encoded,
            -(-length // FRAME_SAMPLES),
            PREPENDED,
            APPENDED,
            0.0,
        )
        return tuple(self._piece(row, length) for row in rows)

    def _piece(self, row: dict[str, Any], length: int) -> Piece:
        def at(secs: float) -> int:
            return min(max(round(float(secs) * SAMPLE_RATE), 0), length)

        words = tuple(
            TimedWord(at(w["start"]), at(w["end"]), w["word"], float(w["probability"]))
            for w in row.get("words", ())
        )
        tokens = tuple(row["tokens"])
        return Piece(
            at(row["start"]), at(row["end"]), self.tokenizer.decode(list(tokens)), tokens, words
        )


def mean_logprob(model: Any, tokenizer: Any, encoded: Any, text: list[int]) -> float:
    """Return the average log-probability of given text tokens under given sound."""
    aligned = model.align(encoded, tokenizer.sot_sequence, [text], 1)[0]
    return sum(math.log(max(p, 1e-9)) for p in aligned.text_token_probs) / len(text)
