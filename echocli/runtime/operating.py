"""What a level of the ladder means: from the base settings to an operating point, purely.

Moving to a level sets its point as a whole, so a jump over levels applies all their effects, and
recovery restores everything, the model too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from echocli.providers.base import LoadSpec
from echocli.runtime.ladder import Rung
from echocli.types import SAMPLE_RATE

MOST_CHUNK = 8 * SAMPLE_RATE
"""Samples between two decodes of open speech at most, however long the load lasts."""

MORE_CHUNK = SAMPLE_RATE
"""Samples that are added at WARNING, and again while the load lasts."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """How decoding is done."""

    spec: LoadSpec
    """The model, and where it runs."""
    beam_size: int
    foreign_beam_size: int | None
    least_interval: int
    most_interval: int
    """Bounds of the samples between two decodes of open speech."""
    partials: bool = True
    spool: bool = False
    """Whether every other utterance is kept for later instead of decoded."""
    discards: bool = False
    """Whether it is left out instead."""
    batches: int = 1
    """How many times as many windows are asked for at once."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to go down to."""

    base: OperatingPoint
    smaller: tuple[LoadSpec, ...] = ()
    """Smaller models that are installed for the language, the next one first."""
    fallback: LoadSpec | None = None
    """What serves when nothing else does."""
    live: bool = True
    """Whether sound comes whether or not there is time for it; a file waits."""
    keeps_beam: bool = False
    """Whether the beam was asked for and stays."""
    rescue: LoadSpec | None = None
    """What FAILOVER runs, if anything is predicted to be faster than what EMERGENCY runs."""


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody asks for another model."""

    plain: Choices
    english: Choices
    """What there is to go down to once it is known that English is spoken."""
    fallbacks: tuple[LoadSpec, ...]
    reason: str
    fails_over: bool = False
    """Whether it is the fallback that was asked for."""


def named(spec: LoadSpec) -> str:
    """Return how a provider is called in events: ``PROVIDER:MODEL``."""
    return f"{spec.provider}:{spec.model}"


def operating_point(choices: Choices, rung: Rung, stretch: int = 0) -> OperatingPoint:
    """Return the point of a level; ``stretch`` is how often the interval has grown since."""
    point = choices.base
    if rung >= Rung.WARNING:
        point = _eased(choices, stretch)
    if rung >= Rung.DEGRADE:
        point = replace(point, partials=False, spec=_smaller(choices, rung))
    if rung is Rung.EMERGENCY:
        point = replace(point, spool=choices.live)
    if rung is Rung.FAILOVER:
        point = replace(point, spec=choices.rescue or choices.fallback or point.spec)
    return point


def _eased(choices: Choices, stretch: int) -> OperatingPoint:
    """Return the point that decodes greedily, and open speech less often."""
    point = choices.base
    least = min(MOST_CHUNK, point.least_interval + (1 + stretch) * MORE_CHUNK)
    point = replace(
        point,
        least_interval=max(least, point.least_interval),
        most_interval=max(least, point.most_interval),
        batches=1 if choices.live else 2,
    )
    return point if choices.keeps_beam else replace(point, beam_size=1, foreign_beam_size=None)


def _smaller(choices: Choices, rung: Rung) -> LoadSpec:
    """Return the model of a level; a file, which cannot skip anything, goes down twice."""
    if not choices.smaller:
        return choices.base.spec
    down = 0 if choices.live or rung < Rung.EMERGENCY else 1
    return choices.smaller[min(down, len(choices.smaller) - 1)]


def effects(before: OperatingPoint, after: OperatingPoint) -> tuple[str, ...]:
    """Say in words what changes from one point to another, for events and notices."""
    return tuple(_effects(before, after))


def _effects(before: OperatingPoint, after: OperatingPoint) -> Iterator[str]:
    if before.spec != after.spec:
        yield f"model {_told(before.spec, after.spec)}"
    if before.beam_size != after.beam_size:
        yield "greedy" if after.beam_size == 1 else f"beam size {after.beam_size}"
    if before.partials != after.partials:
        yield "partials" if after.partials else "no partials"
    if after.partials and before.least_interval != after.least_interval:
        yield f"open speech every {after.least_interval / SAMPLE_RATE:g} s"
    if not after.spool and before.batches != after.batches:
        yield "larger batches" if after.batches > 1 else "batches as before"
    if before.spool != after.spool:
        put_off = "left out" if after.discards else "kept for later"
        yield f"every other utterance {put_off}" if after.spool else "every utterance at once"


def _told(before: LoadSpec, after: LoadSpec) -> str:
    """Name a model by what tells it from the one before."""
    if before.provider != after.provider:
        return f"{after.provider} {after.model}"
    if before.model == after.model:
        return f"{after.model} ({after.compute_type}, {after.device})"
    return after.model
