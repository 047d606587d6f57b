"""Sound for warming a model up: enough like speech that the real work is done."""

from __future__ import annotations

import numpy as np

from echocli.types import SAMPLE_RATE, Samples


def speech_like(secs: float) -> Samples:
    """Make sound that Whisper works on as on speech, for warming up: a buzz with syllables.

    A 120 Hz pulse train through two vowel-like resonances, switched on and off four times a second.
    """
    t = np.arange(int(secs * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(
        np.sin(2 * np.pi * 120 * k * t) / (1 + abs(120 * k - formant) / 150)
        for k in range(1, 30)
        for formant in (500, 1500)
    )
    envelope = np.clip(np.sin(2 * np.pi * 4 * t), 0, 1)
    sound: Samples = (0.05 * buzz * envelope).astype(np.float32)
    return sound
