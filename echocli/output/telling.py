"""What the program does to keep up and to survive, each in one line for people."""

from __future__ import annotations

from echocli.events import Failover, Level

LEAST_REPLAY = 0.05
"""Seconds below which sound that is decoded again would read as 0.0 s."""


def level_text(event: Level) -> str | None:
    """Say which level is in force, why, and what that changes.

    ``None`` where the level is the same and nothing changes.
    """
    effects = ", ".join(event.effects)
    if event.from_ == event.to:
        return f"level {event.to} ({event.reason}): {effects}" if effects else None
    change = f"level {event.from_} → {event.to} ({event.reason})"
    return f"{change}: {effects}" if effects else change


class Failovers:
    """Say who takes over from whom; whoever failed before goes on *again*."""

    def __init__(self) -> None:
        self._failed: set[str] = set()

    def text(self, event: Failover) -> str:
        """Return the line for the next failover."""
        replayed = event.replayed_seconds
        tail = f", {replayed:.1f} s decoded again" if replayed >= LEAST_REPLAY else ""
        if event.from_ == event.to:
            return f"{event.from_} failed ({event.reason}): it is started again{tail}"
        if event.to in self._failed:
            self._failed.discard(event.to)
            return f"{event.to} goes on again instead of {event.from_} ({event.reason}){tail}"
        self._failed.add(event.from_)
        return f"{event.from_} failed ({event.reason}): {event.to} goes on{tail}"
