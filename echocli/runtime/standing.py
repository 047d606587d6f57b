"""Which provider may serve: a pure state machine for each.

``HEALTHY → SUSPECT → DOWN → PROBING → HEALTHY``; ``DISABLED`` for what no waiting can mend.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Standing(StrEnum):
    """How far a provider is trusted."""

    HEALTHY = "healthy"
    """It decodes."""
    SUSPECT = "suspect"
    """It has failed, and is tried again."""
    DOWN = "down"
    """It failed again and again; after a while it is probed."""
    PROBING = "probing"
    """It is tried with sound that is decoded already."""
    DISABLED = "disabled"
    """It cannot work: its weights are damaged, its library is missing."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """When to try a provider that is down; seconds."""

    first: float = 30.0
    """Wait before the first probe; doubled after each that fails."""
    longest: float = 600.0


@dataclass(slots=True)
class _Entry:
    standing: Standing = Standing.HEALTHY
    until: float = 0.0
    wait: float = 0.0
    reason: str = ""


class Standings(Generic[K]):
    """Keep the standing of every provider that was ever told of; unknown ones are healthy."""

    def __init__(self, options: ProbeOptions | None = None) -> None:
        self._options = options or ProbeOptions()
        self._entries: dict[K, _Entry] = {}

    def of(self, key: K) -> Standing:
        """Return the standing of a provider."""
        return self._entry(key).standing

    def reason(self, key: K) -> str:
        """Return why it is not healthy."""
        return self._entry(key).reason

    def usable(self, key: K) -> bool:
        """Tell whether it may be given work."""
        return self.of(key) in (Standing.HEALTHY, Standing.SUSPECT)

    def completed(self, key: K) -> None:
        """Take note that it decoded something, or that what it failed at was not its fault."""
        self._entries.pop(key, None)

    def suspect(self, key: K, reason: str) -> None:
        """Take note of a failure that is not the last straw."""
        entry = self._entry(key)
        if self.usable(key):
            entry.standing, entry.reason = Standing.SUSPECT, reason

    def failed(self, key: K, now: float, reason: str, *, permanent: bool = False) -> None:
        """Take it out of service, for a while or for good."""
        entry = self._entry(key)
        if entry.standing is Standing.DISABLED:
            return
        entry.reason = reason
        if permanent:
            entry.standing = Standing.DISABLED
            return
        longest = self._options.longest
        entry.wait = min(2 * entry.wait, longest) if entry.wait else self._options.first
        entry.standing, entry.until = Standing.DOWN, now + entry.wait

    def due(self, key: K, now: float) -> bool:
        """Tell whether it is down and has been long enough to be probed."""
        return self.of(key) is Standing.DOWN and now >= self._entry(key).until

    def probing(self, key: K) -> None:
        """Take note that a probe runs.

        :meth:`completed` or :meth:`failed` says how it went, or :meth:`untried` that it did not.
        """
        self._entry(key).standing = Standing.PROBING

    def untried(self, key: K) -> None:
        """Take note that a probe was broken off: it is as due as it was before."""
        if self.of(key) is Standing.PROBING:
            self._entry(key).standing = Standing.DOWN

    def forgive(self, key: K) -> None:
        """Let it be tried again at once; what is disabled stays so."""
        if self.of(key) is not Standing.DISABLED:
            self._entry(key).standing = Standing.SUSPECT

    def _entry(self, key: K) -> _Entry:
        return self._entries.setdefault(key, _Entry())
