"""Turn decoding options as they are typed into values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echocli.errors import UsageError

if TYPE_CHECKING:
    from echocli.vad.endpointer import VadOptions


def parse_temperatures(first: float, step: str) -> tuple[float, ...]:
    """Return the temperatures to try: ``first``, then ``step`` more each time, up to 1.

    ``None`` as a step, as whisper spells it, tries once.
    """
    if step.strip().lower() == "none":
        return (first,)
    try:
        width = float(step)
    except ValueError:
        width = -1.0
    if width <= 0:
        raise UsageError(
            f"--temperature-increment-on-fallback '{step}' is not a step",
            hint="give a number above 0, or None to try once",
        )
    count = int((1.0 - first) / width + 1e-9) if first < 1 else 0
    return tuple(round(first + i * width, 6) for i in range(count + 1))


def parse_tokens(text: str) -> tuple[int, ...]:
    """Return token ids from ``-1,50257``; an empty text suppresses nothing."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(
            f"--suppress-tokens '{text}' is no list of token ids", hint="example: -1,50257"
        ) from None


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
