"""Run a program and note when each line came, how long it took, and what it used.

The measuring happens outside of the measured process, in the same way for every tool: lines of
standard output are stamped as they arrive, CPU time is what the kernel charged to the process and
its descendants, memory is the sum over the process tree, looked at ten times a second.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, TypeAlias

import psutil

ROOT = Path(__file__).resolve().parent.parent
INTERVAL = 0.1
MB = 2**20


class ProcessFailed(Exception):
    """A measured program ended with an error or in no time; the text says how."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of standard output and the seconds from the start of the process until it came."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """What one process did; ``seconds`` is from its start to its end.

    ``others`` is how many cores everything else on the machine kept busy meanwhile, on average.
    Times mean little when that is much above 0, and threads that wait by spinning, as whisper.cpp's
    do, suffer most.
    """

    lines: tuple[Line, ...]
    seconds: float
    cpu_seconds: float
    peak_mb: float
    others: float


class TreeMemory:
    """Note the highest resident memory of a process and its descendants while it runs."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._root = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        self._look()
        while not self._over.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:  # it has just ended
            return
        self.peak_bytes = max(self.peak_bytes, sum(map(_resident, tree)))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def variables() -> dict[str, str]:
    """Return this process's variables without anybody's settings.

    No hub is asked, lines come out when they are printed, and the project is found.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ECHOCLI_", "ECHOPANEL_"))
    }
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    return kept | {
        "ECHOCLI_CONFIG_DIR": str(ROOT / ".benchmarks" / "no-settings"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
    }


Beside: TypeAlias = Callable[[int, float], AbstractContextManager[object]]
"""Given a process and when it was started (``perf_counter``), what goes on while it runs."""


def nothing(pid: int, start: float) -> AbstractContextManager[object]:
    """Leave a process alone."""
    del pid, start
    return nullcontext()


def run(
    command: Sequence[str],
    limit: float,
    beside: Beside = nothing,
    *,
    codes: Container[int] = (0,),
) -> Run:
    """Run a program to its end, at most ``limit`` seconds.

    Raises ``ProcessFailed`` for a status that is not among ``codes``, and after ``limit``.
    """
    with tempfile.TemporaryFile() as errors:
        before, busy, start = _cpu_of_children(), _busy(), time.perf_counter()
        try:
            process = _started(command, errors)
        except OSError as error:
            raise ProcessFailed(f"{command[0]}: {error.strerror}") from error
        with process, TreeMemory(process.pid) as memory, beside(process.pid, start):
            watchdog = threading.Timer(limit, process.kill)
            watchdog.start()
            try:
                lines = tuple(_stamped(process, start))
                code = process.wait()
            finally:
                watchdog.cancel()
                process.kill()
        seconds = time.perf_counter() - start
        if code not in codes:
            raise ProcessFailed(_epitaph(code, seconds, limit, errors))
    used = _cpu_of_children() - before
    others = max(0.0, _busy() - busy - used) / seconds
    return Run(lines, seconds, used, memory.peak_bytes / MB, others)


def _started(command: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=variables(),
        cwd=ROOT,
    )


def _stamped(process: subprocess.Popen[bytes], start: float) -> list[Line]:
    assert process.stdout is not None
    return [
        Line(time.perf_counter() - start, line.decode("utf-8", "replace").rstrip("\n"))
        for line in process.stdout
    ]


def _cpu_of_children() -> float:
    """Return user and system seconds of all descendants that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _busy() -> float:
    """Return the seconds in which some core of the machine worked, over all cores."""
    spent = psutil.cpu_times()
    # What a hypervisor gave to other guests is lost to us too; user time counts our guests already.
    return float(spent.user + spent.nice + spent.system + getattr(spent, "steal", 0.0))


def _epitaph(code: int, seconds: float, limit: float, errors: IO[bytes]) -> str:
    if seconds >= limit:
        return f"took more than {limit:.0f} s"
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    last = next((line for line in lines if "error" in line.lower()), (lines or [""])[-1])
    return f"ended with status {code}: {last.strip()}"


def python(*words: str) -> tuple[str, ...]:
    """Return a command for the interpreter that runs this."""
    return (sys.executable, *words)
