"""Load a model, run it on speech-like sound, and tell where the time went.

Loading and inference happen in the worker that will serve, and nothing waits for show: every
millisecond in a report was work.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from echocli.errors import ModelError
from echocli.providers.base import Window
from echocli.runtime.lifecycle import State
from echocli.runtime.supervisor import Supervisor, WarmRun
from echocli.runtime.worker_process import resident_bytes
from echocli.types import to_samples

LENGTHS = (5.0, 1.0, 10.0, 20.0, 30.0)
"""Seconds of the warm-up windows: an ordinary utterance, then from a short one to a full one."""

MB = 2**20


class Level(IntEnum):
    """How warm a model is made."""

    LOAD = 1
    """Read the weights."""
    FIRST = 2
    """And run one inference, which pays for everything a library puts off until then."""
    STRESS = 3
    """And run windows of several lengths to the longest, which claims the memory of real work."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of starting; ``name`` is stable, ``seconds`` is the sound an inference got."""

    name: str
    ms: float
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class WarmupReport:
    """How starting a model went.

    ``total_ms`` runs from the start of the worker process to the end, also of a start that failed;
    ``error`` then says why. Memory is resident memory, in units of 2**20 bytes; the worker's is its
    highest so far, or ``None`` when it never answered.
    """

    level: Level
    states: tuple[State, ...]
    phases: tuple[Phase, ...]
    total_ms: float
    worker_memory_mb: float | None
    parent_memory_mb: float
    error: ModelError | None = None

    @property
    def first_inference_ms(self) -> float | None:
        """What the first inference took; ``None`` where none was run."""
        return next((phase.ms for phase in self.phases if phase.name == "inference"), None)


def warm_windows(level: Level) -> tuple[Window, ...]:
    """Return the windows that bring a model to ``level``.

    Their ids are negative, because a provider may remember what it computed for an id and those of
    a transcription count from zero.
    """
    from echocli.providers.warm import speech_like

    count = {Level.LOAD: 0, Level.FIRST: 1, Level.STRESS: len(LENGTHS)}[level]
    return tuple(
        Window(-1 - index, 0, speech_like(secs)[: to_samples(secs)])
        for index, secs in enumerate(LENGTHS[:count])
    )


def warm_up(supervisor: Supervisor, level: Level) -> WarmupReport:
    """Start a model and warm it; a start that fails is a report with its ``error``."""
    supervisor.begin()
    windows = warm_windows(level)
    error: ModelError | None = None
    try:
        supervisor.ready(windows)
    except ModelError as failed:
        error = failed
    return WarmupReport(
        level=level,
        states=tuple(supervisor.lifecycle.history),
        phases=_phases(supervisor),
        total_ms=supervisor.started_ago_ms,
        worker_memory_mb=supervisor.peak_rss_bytes / MB or None,
        parent_memory_mb=resident_bytes() / MB,
        error=error,
    )


def _phases(supervisor: Supervisor) -> tuple[Phase, ...]:
    if supervisor.report is None:
        return ()
    inside = supervisor.report.phases_ms
    start = Phase("start", max(0.0, supervisor.load_ms - sum(inside.values())))
    loading = (Phase(name, ms) for name, ms in inside.items())
    return (start, *loading, *map(_inference, supervisor.warm_runs))


def _inference(run: WarmRun) -> Phase:
    return Phase("inference", run.ms, run.seconds)
