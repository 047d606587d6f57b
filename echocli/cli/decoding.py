"""Turn decoding options as they are typed into values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from echocli.errors import UsageError

if TYPE_CHECKING:
    from echocli.vad.endpointer import VadOptions


SMALLEST_STEP = 0.01
"""Of the temperature: a hundred tries of one window are more than anybody waits for."""

VOCABULARY = 51866
"""Tokens of the largest vocabulary, that of large-v3 (``tokenizer.py`` of openai/whisper)."""


def parse_temperatures(first: float, step: str) -> tuple[float, ...]:
    """Return the temperatures to try: ``first``, then ``step`` more each time, up to 1.

    ``None`` as a step, as whisper spells it, tries once.
    """
    if step.strip().lower() == "none":
        return (first,)
    try:
        width = float(step)
    except ValueError:
        width = math.nan
    if not SMALLEST_STEP <= width < math.inf:
        raise UsageError(
            f"--temperature-increment-on-fallback '{step}' is not a step",
            hint=f"give a number from {SMALLEST_STEP}, or None to try once",
        )
    count = int((1.0 - first) / width + 1e-9) if first < 1 else 0
    return tuple(round(first + i * width, 6) for i in range(count + 1))


def parse_tokens(text: str) -> tuple[int, ...]:
    """Return token ids from ``-1,50257``; an empty text suppresses nothing."""
    try:
        tokens = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(
            f"--suppress-tokens '{text}' is no list of token ids", hint="example: -1,50257"
        ) from None
    wrong = [token for token in tokens if not -1 <= token < VOCABULARY]
    if wrong:
        raise UsageError(
            f"--suppress-tokens: there is no token {wrong[0]}",
            hint=f"ids go from 0 to {VOCABULARY - 1}; -1 stands for the symbols",
        )
    return tokens


def vad_options(
    *,
    enabled: bool,
    threshold: float | None,
    min_speech_ms: float | None,
    min_silence_ms: float | None,
    pad_ms: float | None,
) -> VadOptions | None:
    """Return how to detect speech, ``None`` for not at all; options left out keep their default."""
    if not enabled:
        return None
    from echocli.vad.endpointer import VadOptions

    given = {
        "threshold": threshold,
        "min_speech_ms": min_speech_ms,
        "min_silence_ms": min_silence_ms,
        "pad_ms": pad_ms,
    }
    return VadOptions(**{key: value for key, value in given.items() if value is not None})
