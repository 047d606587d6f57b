"""Named points between speed and accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from echocli.types import SAMPLE_RATE


class Preset(StrEnum):
    """How much work a window is worth."""

    FAST = "fast"
    """Greedy, the least silence behind a window."""
    BALANCED = "balanced"
    """Two beams (five where it is not English), longer windows, more silence: the default."""
    ACCURATE = "accurate"
    """Five beams, and more silence again."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a preset stands for; lengths in samples.

    The encoder sees a window at its own length and not at Whisper's 30 s. That needs silence
    behind the speech: with too little of it the model invents an ending or loops.
    """

    longest: int
    """Speech a window holds at most."""
    tail: int
    """Silence behind it at least."""
    beam_size: int
    foreign_beam_size: int
    """Beams in other languages than English, in which the models are less sure."""


RECIPES = {
    Preset.FAST: Recipe(18 * SAMPLE_RATE, 4 * SAMPLE_RATE, 1, 1),
    Preset.BALANCED: Recipe(20 * SAMPLE_RATE, 7 * SAMPLE_RATE, 2, 5),
    Preset.ACCURATE: Recipe(20 * SAMPLE_RATE, 10 * SAMPLE_RATE, 5, 5),
}
"""Chosen on recorded speech; docs/benchmarks has the figures."""
