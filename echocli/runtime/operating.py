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


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to go down to."""

    base: OperatingPoint
    smaller: LoadSpec | None = None
    """The next smaller model that is installed for the language."""
    fallback: LoadSpec | None = None
    """What serves when nothing else does."""


def operating_point(choices: Choices, rung: Rung, stretch: int = 0) -> OperatingPoint:
    """Return the point of a level; ``stretch`` is how often the interval has grown since."""
    point = choices.base
    if rung >= Rung.WARNING:
        least = min(MOST_CHUNK, point.least_interval + (1 + stretch) * MORE_CHUNK)
        point = replace(
            point,
            beam_size=1,
            foreign_beam_size=None,
            least_interval=max(least, point.least_interval),
            most_interval=max(least, point.most_interval),
        )
    if rung >= Rung.DEGRADE:
        point = replace(point, partials=False, spec=choices.smaller or point.spec)
    if rung >= Rung.EMERGENCY:
        point = replace(point, spool=rung is Rung.EMERGENCY)
    if rung is Rung.FAILOVER:
        point = replace(point, spec=choices.fallback or point.spec)
    return point


def effects(before: OperatingPoint, after: OperatingPoint) -> tuple[str, ...]:
    """Say in words what changes from one point to another, for events and notices."""
    return tuple(_effects(before, after))


def _effects(before: OperatingPoint, after: OperatingPoint) -> Iterator[str]:
    if before.spec != after.spec:
        other = before.spec.provider != after.spec.provider
        name = f"{after.spec.provider} {after.spec.model}" if other else after.spec.model
        yield f"model {name}"
    if before.beam_size != after.beam_size:
        yield "greedy" if after.beam_size == 1 else f"beam size {after.beam_size}"
    if before.partials != after.partials:
        yield "partials" if after.partials else "no partials"
    if after.partials and before.least_interval != after.least_interval:
        yield f"open speech every {after.least_interval / SAMPLE_RATE:g} s"
    if before.spool != after.spool:
        yield "every other utterance later" if after.spool else "every utterance at once"
