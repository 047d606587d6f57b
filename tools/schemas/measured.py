"""What ``warmup`` and ``bench --compare`` print with ``--json``."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from echocli.bench.compare import Verdict
from echocli.runtime.lifecycle import State
from tools.schemas.shapes import Amount, Between, Count, Seconds


class Phase(TypedDict):
    """A part of the start of a model."""

    name: str
    """`start` (the process), those the provider names (`import`, `weights`), or `inference`."""
    ms: Amount
    """Milliseconds it took."""
    seconds: NotRequired[Seconds]
    """Of an `inference`: the sound it got."""


class Warmup(TypedDict):
    """What `warmup` says, also of a start that failed."""

    schema: Literal["echocli/warmup/1"]
    """What this is, with the number of its version."""
    echocli: str
    """Version of the program."""
    level: Annotated[int, Between(1, 3)]
    """What was asked for: 1 loads, 2 runs one inference, 3 several lengths."""
    state: Literal["ready", "error"]
    """How it ended."""
    states: list[State]
    """Every state in order."""
    cause: str | None
    """Why it failed."""
    hint: str | None
    """What to do about it."""
    provider: str | None
    """The provider; null, as the next five, where no model was found."""
    model: str | None
    """The model."""
    device: str | None
    """Where it runs."""
    compute_type: str | None
    """What it calculates with."""
    slots: Count | None
    """Windows decoded side by side."""
    threads: Count | None
    """Threads of each slot."""
    phases: list[Phase]
    """The parts of the start, in order."""
    total_ms: Amount | None
    """From the start of the process to the end."""
    first_inference_ms: Amount | None
    """The first `inference`."""
    worker_memory_mb: Amount | None
    """Resident memory of the worker at its highest; 1 MB is 2²⁰ bytes."""
    parent_memory_mb: Amount | None
    """Resident memory of the program itself."""


class Compared(TypedDict):
    """One of the two reports that are compared."""

    file: str
    """The file it was read from."""
    echocli: str | None
    """Version of the program that wrote it."""
    time: str | None
    """When that was, ISO 8601 in UTC."""
    provider: str | None
    """The provider."""
    model: str | None
    """The model."""
    device: str | None
    """Where it ran."""
    compute_type: str | None
    """What it calculated with."""
    slots: Count | None
    """Windows decoded side by side."""
    threads: Count | None
    """Threads of each slot."""
    runs: Count | None
    """How often everything was measured."""


class Difference(TypedDict):
    """Something besides the figures that is not the same in both."""

    what: str
    """What it is."""
    a: str
    """What the first says."""
    b: str
    """What the second says."""


class ComparedMetric(TypedDict):
    """A metric that at least one of the two has."""

    metric: str
    """Its name."""
    a: float | None
    """The figure of the first; null where it has none."""
    b: float | None
    """The figure of the second; null where it has none."""
    change: float | None
    """How much more the second is, in the metric's own unit."""
    change_percent: float | None
    """The same in percent of the first; null where that is nothing."""
    tolerance: Amount
    """What may change without being better or worse."""
    tolerance_unit: Literal["percent", "points"]
    """What the tolerance is counted in."""
    verdict: Verdict
    """Whether it got better or worse by more than the tolerance. What only the first has is
    `worse`, what only the second has is `unknown`."""


class Comparison(TypedDict):
    """What `bench --compare` says of the recordings that both reports have."""

    schema: Literal["echocli/bench-compare/1"]
    """What this is, with the number of its version."""
    echocli: str
    """Version of the program."""
    a: Compared
    """The first report."""
    b: Compared
    """The second."""
    recordings: Count
    """Recordings that both have."""
    left_out: list[str]
    """Recordings that only one has."""
    missing: list[str]
    """Those of them that only the first has; each counts as worse."""
    differences: list[Difference]
    """What else is not the same, so that the figures may differ because of it."""
    tolerance_percent: Amount
    """Tolerance of times, memory and shares."""
    wer_tolerance_points: Amount
    """Tolerance of error rates."""
    metrics: list[ComparedMetric]
    """The metrics."""
    worse: Count
    """How many metrics got worse and recordings went away; more than none is exit code 6."""
