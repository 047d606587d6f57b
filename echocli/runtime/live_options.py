"""How a live source is turned into text, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from echocli.decoding.guards import Thresholds
from echocli.providers.base import DecodeOptions, Window
from echocli.runtime.utterance import Utterance
from echocli.types import SAMPLE_RATE
from echocli.vad.turns import TurnOptions


class Kind(IntEnum):
    """What a request is for, the most urgent first."""

    FINAL = 0
    """An utterance is over."""
    EARLY = 1
    """It may be over."""
    PARTIAL = 2
    """It goes on."""
    BACKFILL = 3
    """It was put aside when there was no time for it."""


LAST = 4
"""Urgency of what was put aside where it is all that is left of a session: others that share the
model take turns with it as with a partial, but it never comes too late."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to turn speech into text while it is spoken; lengths in samples."""

    decode: DecodeOptions = field(default_factory=DecodeOptions)
    """For finals; partials are greedy and not aligned."""
    turns: TurnOptions = field(default_factory=TurnOptions)
    thresholds: Thresholds = field(default_factory=Thresholds)
    tail: int = 7 * SAMPLE_RATE
    """Silence the model hears behind a final."""
    partial_tail: int = 4 * SAMPLE_RATE
    """Silence it hears behind a partial."""
    pre_roll: int = SAMPLE_RATE * 4 // 10
    """Sound before speech that is decoded with it."""
    post_roll: int = SAMPLE_RATE // 5
    """Silence behind it that is decoded with it."""
    first: int = SAMPLE_RATE * 3 // 10
    """Interval at which speech is decoded that has no text yet."""
    least_interval: int = SAMPLE_RATE // 2
    most_interval: int = 2 * SAMPLE_RATE
    """Bounds of the time between two partials of an utterance."""
    backlog: int = 120 * SAMPLE_RATE
    """Speech that may wait to be decoded."""
    keep_words: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A window to decode for an utterance; ``end`` is where its sound ends."""

    kind: Kind
    utterance: Utterance
    window: Window
    end: int
