"""Services on real workers that leave nothing behind, whatever became of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import psutil

from echocli.events import Failover, Notice
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec
from echocli.runtime.service import Service
from echocli.runtime.supervisor import Deadline, Outcome, Policy, Supervisor
from tests.runtime.conftest import eventually, window

OPTIONS = DecodeOptions(language="en")

HASTY = Policy(deadline=Deadline(minimum=1.0, factor=0.0), failures_in_a_row=1)
"""Takes a worker for hung after a second, and leaves a provider at its first failure."""

Serve: TypeAlias = Callable[..., Service]


class Passing:
    """A clock that moves a second whenever somebody looks."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        self.time += 1.0
        return self.time


@contextmanager
def services() -> Iterator[Serve]:
    """Give ``serve(spec, *fallbacks, **keys) -> Service``; all end and leave nothing behind."""
    made: list[Service] = []
    threads = set(threading.enumerate())

    def serve(spec: LoadSpec, *fallbacks: LoadSpec, **keys: Any) -> Service:
        made.append(Service(spec, fallbacks, **keys))
        return made[-1]

    try:
        yield serve
    finally:
        for service in made:
            service.close()
    assert workers() == []
    eventually(lambda: set(threading.enumerate()) <= threads, "the threads end")


def workers() -> list[int]:
    """Return the process ids of the workers that live."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                found.append(child.pid)
    return found


def others(service: Service) -> list[int]:
    """Return the process ids of workers that do not serve."""
    return [pid for pid in workers() if pid != service.current.worker_pid]


def leaving(policy: Policy) -> Callable[[LoadSpec], Supervisor]:
    return lambda spec: Supervisor(spec, policy=policy)


def texts(outcomes: list[Outcome]) -> list[str | None]:
    return [found.text if isinstance(found, Hypothesis) else None for found in outcomes]


def decode(service: Service, *numbers: int) -> list[str | None]:
    """Decode a second each."""
    return texts(service.decode([window(number) for number in numbers], OPTIONS))


def failovers(service: Service) -> list[tuple[str, str, float]]:
    """Return models and replayed seconds of what was told; the notices stay."""
    return [
        (event.from_.partition(":")[2], event.to.partition(":")[2], event.replayed_seconds)
        for event in service.notices
        if isinstance(event, Failover)
    ]


def codes(service: Service) -> list[str]:
    return [event.code for event in service.notices if isinstance(event, Notice)]


def crashes(*counts: int) -> dict[str, str]:
    """Return the steps of a script that crashes on these decodes."""
    return dict.fromkeys(map(str, counts), "crash")
