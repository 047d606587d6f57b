"""When a worker is given up: deadlines and counts."""

from __future__ import annotations

from dataclasses import dataclass

from echocli.runtime.lifecycle import INIT_TIMEOUT
from echocli.types import SAMPLE_RATE

LEAST_AUDIO = 10 * SAMPLE_RATE
"""Samples a shorter window counts as: models pad, so it costs nearly as much as a long one, and
taken at its length it would make the next deadline far too late."""

FULL = 30 * SAMPLE_RATE
"""Samples a window counts as that is filled up to what the model takes."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a request may take before its worker counts as hung.

    ``max(minimum, factor × expected)`` seconds, where expected is the sound's length times the RTF
    measured so far. Before the first answer it is what the provider is expected to need, and
    ``unmeasured`` at least.
    """

    minimum: float = 10.0
    idle: float = 10.0
    """Seconds without a processor after which a worker on the CPU counts as hung before that."""
    factor: float = 8.0
    unmeasured: float = 0.5

    late: float = 0.5
    """Share of the limit after which the worker does not count as ready, though it may still
    answer."""

    def seconds(self, audio: float, rtf: float | None, expected_rtf: float = 0.0) -> float:
        """Return the limit in seconds for ``audio`` seconds of sound."""
        expected = audio * (max(self.unmeasured, expected_rtf) if rtf is None else rtf)
        return max(self.minimum, self.factor * expected)


@dataclass(frozen=True, slots=True)
class Policy:
    """When to give up; the defaults are DESIGN's."""

    deadline: Deadline = Deadline()
    ping_every: float = 5.0
    """Seconds between two signs of life that an idle worker is asked for, where anybody does."""
    answers_within: float = 3.0
    """Seconds without such a sign after which it does not count as ready; after the ``idle`` ones
    of the deadline it counts as hung."""
    init_timeout: float = INIT_TIMEOUT
    deaths_per_window: int = 3
    deaths_in_load: int = 3
    lost_in_a_row: int = 3
    """Windows lost one after the other with none completed in between: the provider is broken."""
    failures_in_a_row: int | None = None
    """Failures with no window completed in between after which somebody else shall try what is
    left; ``None`` where there is nobody else."""


LEAVING = Policy(failures_in_a_row=3)
"""When a provider is left: the third failure with nothing decoded in between."""
