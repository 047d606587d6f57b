"""Is memory short, and has a worker taken too much? Two pure rules and a thin probe.

Sizes are in MB of 2**20 bytes unless their name says bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

from echocli.capability import cgroup
from echocli.capability.host import Host, this_host

MB = 2**20

INTERVAL = 2.0
"""Seconds between two probes at least."""

LEAST_FREE = 256.0
LEAST_SHARE = 0.05
"""Memory is short below the first, or below this share of all where that is more …"""

RELIEF = 1.5
"""… and not short any more above this times as much."""

PROBES = 2
"""Low readings in a row that count: one alone may be a file that was just read."""

GROWTH = 2.0
GROWTH_MB = 500.0
"""A worker may grow to so many times what it took when warm, or by so much, whichever is more."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What can still be taken, and what there is in all, of the machine or of its container."""

    available: float
    total: float

    @property
    def threshold(self) -> float:
        """What must stay free."""
        return max(LEAST_FREE, LEAST_SHARE * self.total)


Probe: TypeAlias = Callable[[], Reading | None]
"""Look at the memory now; ``None`` where it cannot be known."""


def read(host: Host | None = None) -> Reading | None:
    """Look at the memory of this machine and of every container around; never raises."""
    host = host or this_host({})
    machine = host.counters.memory() if host.counters else None
    if machine is None or machine[1] is None:
        return None
    total, available = machine[0], machine[1]
    for limit, left in _allowances(host):
        total, available = min(total, limit), min(available, left)
    return Reading(available / MB, total / MB)


def _allowances(host: Host) -> Iterator[tuple[int, int]]:
    """Yield limit and rest in bytes of each cgroup around this process that has a limit."""
    if host.system != "Linux":
        return
    for version, directory in cgroup.directories(host):
        limit, used, cached = _usage(host, version, directory)
        if limit is not None and used is not None:
            yield limit, max(0, limit - used + cached)


def _usage(
    host: Host, version: int, directory: PurePosixPath
) -> tuple[int | None, int | None, int]:
    """Return limit, use and the part of it that are files read long ago, which give way.

    File formats: the kernel's ``admin-guide/cgroup-v2.rst`` and ``cgroup-v1/memory.rst``; only the
    ``total_`` figures of version 1 include the cgroups below, as its usage does.
    """
    if version == 2:
        names, key = ("memory.max", "memory.current"), "inactive_file"
    else:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        key = "total_inactive_file"
    limit, used = (_number(host.read(str(directory / name))) for name in names)
    figures = dict(
        line.partition(" ")[::2]
        for line in (host.read(str(directory / "memory.stat")) or "").splitlines()
    )
    return limit, used, _number(figures.get(key)) or 0


def _number(text: str | None) -> int | None:
    word = (text or "").strip()
    return int(word) if word.isdecimal() and word.isascii() else None  # "max" is no limit


class MemoryWatch:
    """Tell whether memory is short; for one thread. What is not known is never short."""

    def __init__(self, probe: Probe = read) -> None:
        self._probe = probe
        self._next = float("-inf")
        self._low = 0
        """Low readings in a row."""
        self._short = False

    def is_short(self, now: float) -> bool:
        """Tell it at ``now`` seconds, looking every :data:`INTERVAL`."""
        if now >= self._next:
            self._next = now + INTERVAL
            self._take(self._probe())
        return self._short

    def holds(self, extra_mb: float) -> bool:
        """Tell whether so much more fits now, with enough left; looks at once."""
        reading = self._probe()
        return reading is None or reading.available - extra_mb >= reading.threshold

    def _take(self, reading: Reading | None) -> None:
        low = reading is not None and reading.available < reading.threshold
        self._low = self._low + 1 if low else 0
        if self._low >= PROBES:
            self._short = True
        elif reading is None or reading.available > RELIEF * reading.threshold:
            self._short = False


@dataclass(frozen=True, slots=True)
class Budget:
    """What a worker may take before it is replaced between two windows."""

    limit_mb: float | None
    """What the user allows."""
    baseline: int
    """Resident bytes of the worker when it was warm; 0 where they cannot be known."""

    @property
    def most_mb(self) -> float | None:
        """What it may take; ``None`` where there is nothing to compare with."""
        if self.limit_mb is not None:
            return self.limit_mb
        warm = self.baseline / MB
        return max(GROWTH * warm, warm + GROWTH_MB) if self.baseline else None

    @property
    def attainable(self) -> bool:
        """Whether a new worker would be within it: replacing one that never is helps nobody."""
        return self.most_mb is None or self.baseline / MB <= self.most_mb

    def exceeded(self, rss_bytes: int) -> bool:
        """Tell whether resident memory is over it; zero is unknown, and is not."""
        return self.most_mb is not None and rss_bytes / MB > self.most_mb
