"""Do not believe words in the last crumbs of an input.

The system this one grew from had three rules for the last piece of sound; here they guard the
window an input ends with, with voice detection and without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echocli.decoding.assemble import confidence
from echocli.providers.base import Hypothesis
from echocli.types import SAMPLE_RATE, Samples


@dataclass(frozen=True, slots=True)
class Tails:
    """When the text of the last window is dropped."""

    shortest: int = SAMPLE_RATE // 2
    """A last piece shorter than this, in samples."""
    quietest: float = 1e-5
    """Root mean square below which it is silence. The original had 0.01; of five quiet recordings
    of speech that reach 0.0004 to 0.0036 all are understood, so only digital silence is left."""
    confidence: float = 0.3
    """A text less certain than this …"""
    words: int = 3
    """… with fewer words than this."""

    def broken(self, hypothesis: Hypothesis, samples: Samples) -> str | None:
        """Return the name of the rule that a last window breaks, or ``None``."""
        if len(samples) < self.shortest:
            return "short_tail"
        if float(np.sqrt(np.mean(np.square(samples)))) < self.quietest:
            return "quiet_tail"
        few = len(hypothesis.text.split()) < self.words
        if few and confidence(hypothesis.avg_logprob) < self.confidence:
            return "weak_tail"
        return None
