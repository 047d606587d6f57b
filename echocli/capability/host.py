"""The machine as something that can be asked: files, commands, counters.

Every probe takes a :class:`Host`, so that a test can invent a machine from a directory with a fake
``/proc`` and ``/sys`` and a runner with prepared answers.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

LIMIT_S = 5.0
"""Seconds a driver tool may take before the machine counts as having no accelerator."""


class State(StrEnum):
    """How a command ended."""

    OK = "ok"
    """It ended with status 0."""
    MISSING = "missing"
    """There is no such program, or it may not be run."""
    FAILED = "failed"
    """It ended with another status or died of a signal."""
    HUNG = "hung"
    """It did not end in time and was killed."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed on stdout and how it ended."""

    state: State
    text: str = ""


class Runner(Protocol):
    """Run a short command."""

    def run(self, argv: Sequence[str]) -> Output:
        """Run ``argv`` and return what it printed; never raise, never hang."""
        ...


class Counters(Protocol):
    """Memory and core counts as a library gives them; ``None`` where it does not know."""

    def memory(self) -> tuple[int, int | None] | None:
        """Return total and available bytes."""
        ...

    def cores(self) -> tuple[int | None, int | None]:
        """Return physical and logical cores."""
        ...


@dataclass(frozen=True, slots=True)
class SubprocessRunner:
    """Run real commands, each for at most ``limit`` seconds."""

    limit: float = LIMIT_S

    def run(self, argv: Sequence[str]) -> Output:
        """Run ``argv`` in a session of its own, so that its children can be killed with it."""
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return Output(State.MISSING)
        return self._collect(process)

    def _collect(self, process: subprocess.Popen[bytes]) -> Output:
        try:
            printed, _ = process.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            _kill(process)
            return Output(State.HUNG)
        state = State.OK if process.returncode == 0 else State.FAILED
        return Output(state, printed.decode(errors="replace"))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children, waiting briefly.

    A tool stuck in a broken driver cannot even be killed; it must not take this program with it.
    """
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
    if process.stdout is not None:
        process.stdout.close()


class PsutilCounters:
    """Counts from psutil; make it with :func:`psutil_counters`."""

    def memory(self) -> tuple[int, int | None] | None:
        """Return total and available bytes, or ``None`` where psutil cannot tell."""
        import psutil

        try:
            found = psutil.virtual_memory()
        except (OSError, RuntimeError, ValueError):
            return None
        return int(found.total), int(found.available)

    def cores(self) -> tuple[int | None, int | None]:
        """Return physical and logical cores."""
        import psutil

        try:
            return psutil.cpu_count(logical=False), psutil.cpu_count(logical=True)
        except (OSError, RuntimeError, ValueError):
            return None, None


def psutil_counters() -> Counters | None:
    """Return psutil's counts, or ``None`` if it is not installed."""
    try:
        import psutil  # noqa: F401 -- only whether it can be imported matters
    except ImportError:
        return None
    return PsutilCounters()


@dataclass(frozen=True, slots=True)
class Host:
    """Where the probes look."""

    system: str
    """``Linux``, ``Darwin``, ``Windows`` …, as :func:`platform.system` says."""
    machine: str
    """``x86_64``, ``arm64`` …, as :func:`platform.machine` says."""
    root: Path = Path("/")
    """Directory that holds ``proc``, ``sys`` and ``dev``."""
    runner: Runner = field(default_factory=SubprocessRunner)
    counters: Counters | None = None
    affinity: frozenset[int] | None = None
    """Logical CPUs this process may run on; ``None`` where the system cannot tell."""
    environ: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: str | Path) -> str | None:
        """Return the text of a file, given by its absolute path, or ``None``."""
        try:
            return self.at(path).read_text(errors="replace")
        except OSError:
            return None

    def at(self, path: str | Path) -> Path:
        """Return where an absolute path lies under :attr:`root`."""
        return self.root / str(path).lstrip("/")


def this_host(environ: Mapping[str, str]) -> Host:
    """Return the machine this process runs on."""
    allowed = getattr(os, "sched_getaffinity", None)
    return Host(
        system=platform.system(),
        machine=platform.machine(),
        counters=psutil_counters(),
        affinity=frozenset(allowed(0)) if allowed else None,
        environ=environ,
    )
