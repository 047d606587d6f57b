"""When a live session has lasted long enough: pure, from its times."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What live sessions may take; times in seconds."""

    most: int = 10
    """Sessions at the same time, those without a connection counted."""
    keep_seconds: float = 60.0
    """How long one is kept without a connection."""
    idle_seconds: float = 60.0
    """How long one may be without sound."""
    session_seconds: float = 14_400.0
    """How long one may last."""
    buffer_seconds: float = 60.0
    """Sound of each source that may wait before the socket is not read any more."""

    def bound(self, second: int) -> int:
        """Return how many bytes may wait where a second of all sources has so many."""
        return min(MOST_BUFFERED, round(self.buffer_seconds * second))


MOST_BUFFERED = 16 * 2**20
"""Bytes of sound that may wait in a session, whatever its format."""

BRIEFLY = 2.0
"""Seconds a session is kept that never had any sound: whoever comes back begins another."""


class Due(StrEnum):
    """What is to be done with a session now."""

    FORGET = "forget"
    """Nobody came back to it, or there is nothing left to come back for."""
    IDLE = "idle"
    """No sound came for too long."""
    TOO_LONG = "too_long"
    """It has lasted as long as one may."""


@dataclass(frozen=True, slots=True)
class Times:
    """What is known of a session; times are those of the clock."""

    began: float
    heard: float | None
    """When the newest sound came, or sound could come at last; ``None`` while it cannot: the model
    is not ready, or the buffer is full."""
    detached: float | None
    """Since when it has no connection; ``None`` while it has one."""
    finishing: bool = False
    """Whether its end was asked for."""
    over: bool = False
    """Whether nothing more will come of it."""
    settled: bool = False
    """Whether the client has seen everything, or cannot resume it."""
    unused: bool = False
    """Whether no sound ever came, and nobody ever came back to it."""


def kept(times: Times, limits: SessionLimits) -> float:
    """Return for how many seconds a session is kept that has no connection."""
    return min(BRIEFLY, limits.keep_seconds) if times.unused else limits.keep_seconds


def due(times: Times, limits: SessionLimits, now: float) -> Due | None:
    """Return what is to be done with a session at the time ``now``, if anything is."""
    if times.detached is not None:
        unwanted = times.over and times.settled
        if unwanted or now - times.detached >= kept(times, limits):
            return Due.FORGET
    if times.over or times.finishing:
        return None
    if now - times.began >= limits.session_seconds:
        return Due.TOO_LONG
    waits = times.detached is None and times.heard is not None
    if waits and now - (times.heard or 0.0) >= limits.idle_seconds:
        return Due.IDLE
    return None
