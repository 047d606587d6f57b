"""Injected time: the real clock, and one that tests step by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tell monotonic time in seconds; only differences mean anything."""

    def now(self) -> float:
        """Return the current time in seconds."""
        ...


class SystemClock:
    """Read the machine's monotonic clock."""

    def now(self) -> float:
        """Return :func:`time.perf_counter`."""
        return time.perf_counter()


@dataclass(slots=True)
class SteppingClock:
    """A clock that moves only when told to, for tests and simulations."""

    time: float = 0.0

    def now(self) -> float:
        """Return the time last set."""
        return self.time

    def advance(self, secs: float) -> None:
        """Move forward by ``secs`` seconds."""
        self.time += secs
