"""How loud a live source is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from echocli.events import Meter
from echocli.types import SAMPLE_RATE, Samples, seconds

EVERY = SAMPLE_RATE // 4
"""Samples between two meters."""

SILENT = 1e-5
"""Amplitude of -100 dB below full scale; less is not told apart."""


@dataclass(slots=True)
class Loudness:
    """Gather the samples of a source and give a meter four times a second."""

    name: str
    count: int = 0
    energy: float = 0.0
    peak: float = 0.0

    def feed(self, samples: Samples, position: int) -> Meter | None:
        """Take sound that ends at ``position``, in samples."""
        self.count += len(samples)
        self.energy += float(np.dot(samples, samples))
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0.0)))
        if self.count < EVERY:
            return None
        rms, peak = decibel(math.sqrt(self.energy / self.count)), decibel(self.peak)
        self.count, self.energy, self.peak = 0, 0.0, 0.0
        return Meter(seconds(position), rms, peak, self.name)


def decibel(amplitude: float) -> float:
    """Return an amplitude in dB below full scale, -100 at least."""
    return round(20 * math.log10(max(amplitude, SILENT)), 1)
