"""What the tests around the worker process share: scripts, sound, supervisors that end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import psutil
import pytest

from echocli.providers.base import LoadSpec, Window
from echocli.runtime.supervisor import Deadline, Policy, Supervisor

IMPATIENT = Policy(deadline=Deadline(minimum=1.0, factor=0.0))
"""Takes a worker for hung after a second."""

Script: TypeAlias = Callable[..., LoadSpec]
Supervise: TypeAlias = Callable[..., Supervisor]


def window(number: int, secs: float = 1.0) -> Window:
    """Return a silent window; a script does not listen."""
    return Window(number, number * 16_000, np.zeros(round(secs * 16_000), np.float32))


def eventually(condition: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    """Wait for another process; fail after ``limit`` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {limit} s: {what}")
        time.sleep(0.005)


def gone(pid: int, limit: float = 10.0) -> bool:
    """Tell whether a process ends within ``limit`` seconds; one nobody reaped has ended too."""
    try:
        process = psutil.Process(pid)
        end = time.monotonic() + limit
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
            time.sleep(0.005)
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return ``script(**keys, name="script", slots=1) -> LoadSpec`` of the scripted provider."""

    def write(*, name: str = "script", slots: int = 1, **keys: Any) -> LoadSpec:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(keys), encoding="utf-8")
        return LoadSpec("scripted", name, str(path), slots=slots)

    return write


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    """Return ``supervise(spec, policy=None) -> Supervisor``; all of them are closed at the end."""
    made: list[Supervisor] = []

    def make(spec: LoadSpec, policy: Policy | None = None) -> Supervisor:
        made.append(Supervisor(spec, policy=policy))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.kill()
        supervisor.close()
