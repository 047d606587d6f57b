"""Simulated load: every inference takes several times as long, perhaps only for a while."""

from __future__ import annotations

import re
from dataclasses import dataclass

from echocli.clock import Clock
from echocli.errors import UsageError

_FORM = re.compile(r"(\d+(?:\.\d+)?)(?:@(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)?)?", re.ASCII)

MOST = 1000.0


@dataclass(slots=True)
class Slowdown:
    """How many times as long a decode takes now; seconds count from the first decode on."""

    factor: float
    start: float
    end: float
    clock: Clock
    _begun: float | None = None

    @classmethod
    def parse(cls, text: str, clock: Clock) -> Slowdown:
        """Read ``FACTOR`` or ``FACTOR@START-[END]`` (seconds); raise ``UsageError`` otherwise."""
        found = _FORM.fullmatch(text.strip())
        factor = float(found[1]) if found else 0.0
        start = float(found[2] or 0.0) if found else 0.0
        end = float(found[3]) if found and found[3] else float("inf")
        if not 1 <= factor <= MOST or end <= start:
            raise UsageError(
                f"--simulate-load '{text}' is no load",
                hint=f"a factor from 1 to {MOST:g}, perhaps with its time: 4, or 4@10-60",
            )
        return cls(factor, start, end, clock)

    def __call__(self) -> float:
        """Return the factor that holds now."""
        now = self.clock.now()
        self._begun = now if self._begun is None else self._begun
        return self.factor if self.start <= now - self._begun < self.end else 1.0
