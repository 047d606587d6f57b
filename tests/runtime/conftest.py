"""What the tests around the worker process share: scripts, sound, supervisors that end."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
import psutil
import pytest

from echocli.events import Event, Final
from echocli.providers.base import LoadSpec, Window
from echocli.runtime.supervisor import Deadline, Policy, Supervisor
from echocli.types import SAMPLE_RATE, Samples
from tests.waiting import eventually as eventually

IMPATIENT = Policy(deadline=Deadline(minimum=1.0, factor=0.0))
"""Takes a worker for hung after a second."""

SECOND: Samples = np.full(SAMPLE_RATE, 0.01, np.float32)
"""Not digital silence, from which no text is believed at the end of an input."""

Script: TypeAlias = Callable[..., LoadSpec]
Supervise: TypeAlias = Callable[..., Supervisor]


class Blocks:
    """A source that plays blocks, then perhaps fails."""

    name = "blocks"
    duration: float | None = None

    def __init__(self, blocks: Iterable[Samples], error: Exception | None = None) -> None:
        self.notices: list[str] = []
        self.given = 0
        self.closed = threading.Event()
        self._blocks = blocks
        self._error = error

    def blocks(self) -> Iterator[Samples]:
        for block in self._blocks:
            self.given += 1
            yield block
        if self._error is not None:
            raise self._error
        self.notices.append("that was all")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed.set()


def lasting(secs: int) -> Blocks:
    return Blocks(itertools.repeat(SECOND, secs))


def finals(events: Iterable[Event]) -> list[str]:
    return [event.segment.text for event in events if isinstance(event, Final)]


def window(number: int, secs: float = 1.0) -> Window:
    """Return a silent window; a script does not listen."""
    return Window(number, number * 16_000, np.zeros(round(secs * 16_000), np.float32))


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
    """Return ``script(**keys, name="script", slots=1, device="cpu") -> LoadSpec``."""

    def write(
        *, name: str = "script", slots: int = 1, device: str = "cpu", **keys: Any
    ) -> LoadSpec:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(keys), encoding="utf-8")
        return LoadSpec("scripted", name, str(path), device, slots=slots)

    return write


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    """Return ``supervise(spec, policy=None, fallback=None) -> Supervisor``; all of them end."""
    made: list[Supervisor] = []

    def make(
        spec: LoadSpec, policy: Policy | None = None, fallback: LoadSpec | None = None
    ) -> Supervisor:
        made.append(Supervisor(spec, policy=policy, fallback=fallback))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.kill()
        supervisor.close()
