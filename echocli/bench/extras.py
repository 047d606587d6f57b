"""What else a benchmark can measure: starting, warming, recovering, two recordings at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from echocli.clock import Clock
from echocli.providers.base import DecodeOptions
from echocli.runtime.offline import Transcription
from echocli.runtime.shared import Shared
from echocli.runtime.supervisor import Supervisor, WarmRun
from echocli.runtime.warmup import Level, warm_windows

METRICS: dict[str, str] = {
    "cold_start_ms": "from starting the program until it has answered --version",
    "warmup_ms": "first inference of a model that was just loaded, on 5 s",
    "warmup_all_ms": "inferences on 1, 5, 10, 20 and 30 s together",
    "recovery_ms": "from the death of the worker until the next answer of its successor",
    "two_sources_rtf": "seconds until two recordings, decoded at once, are done ÷ one's seconds",
}
"""Figures that take time of their own to measure → what they are."""


@dataclass(frozen=True, slots=True)
class Extras:
    """The figures of :data:`METRICS`; ``None`` is what could not be measured."""

    cold_start_ms: float | None = None
    warmup_ms: float | None = None
    warmup_all_ms: float | None = None
    recovery_ms: float | None = None
    two_sources_rtf: float | None = None


Make = Callable[[Shared], Transcription]
"""Makes the transcription of the recording that is used, taking part in common batches."""


def measure_extras(supervisor: Supervisor, make: Make, clock: Clock) -> Extras:
    """Measure everything once; ``supervisor`` serves and has been warmed to level 3.

    The worker is killed on the way. Raises what a transcription raises.
    """
    first, everything = warming(supervisor.warm_runs)
    return Extras(
        cold_start_ms=cold_start(clock),
        warmup_ms=first,
        warmup_all_ms=everything,
        two_sources_rtf=two_sources(supervisor, make, clock),
        recovery_ms=recovery(supervisor, clock),
    )


def cold_start(clock: Clock) -> float | None:
    """Return the milliseconds the program takes from its start to its end without work."""
    start = clock.now()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "echocli", "--version"], capture_output=True, check=False
    )
    return (clock.now() - start) * 1000 if done.returncode == 0 else None


def warming(runs: list[WarmRun]) -> tuple[float | None, float | None]:
    """Return the milliseconds of the first inference of a warm-up and of all."""
    return (runs[0].ms, sum(run.ms for run in runs)) if runs else (None, None)


def two_sources(supervisor: Supervisor, make: Make, clock: Clock) -> float | None:
    """Return the RTF of each of two recordings that are decoded at the same time."""
    shared = Shared(supervisor, clock)
    one, other = make(shared), make(shared)
    start = clock.now()
    other.begin()
    for transcription in (one, other):
        for _ in transcription.events():
            pass
    audio = one.stats.audio_seconds
    return (clock.now() - start) / audio if audio else None


def recovery(supervisor: Supervisor, clock: Clock) -> float:
    """Kill the worker and return the milliseconds until a new one has decoded a window."""
    windows = warm_windows(Level.FIRST)
    supervisor.kill()
    start = clock.now()
    supervisor.decode(windows, DecodeOptions())
    return (clock.now() - start) * 1000
