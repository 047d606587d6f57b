"""What whisper.cpp can do of what may be asked of a decoder."""

from __future__ import annotations

from echocli.providers.base import DecodeOptions

MOST_DECODERS = 8
"""``WHISPER_MAX_DECODERS``: beams or candidates at most."""


def unsupported(options: DecodeOptions) -> list[str]:
    """Return the options it goes without; of beams and candidates it takes the most it can."""
    beams = max(options.beam_size, options.foreign_beam_size or 0)
    ignored = {
        "--repetition-penalty": options.repetition_penalty != 1,
        "--no-repeat-ngram-size": options.no_repeat_ngram_size != 0,
        "--patience": options.patience != 1,
        "--suppress-tokens": not set(options.suppress_tokens) <= {-1},
        f"--beam-size above {MOST_DECODERS}": beams > MOST_DECODERS,
        f"--best-of above {MOST_DECODERS}": options.best_of > MOST_DECODERS,
    }
    return [option for option, given in ignored.items() if given]
