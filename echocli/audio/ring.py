"""Sound that is still needed, addressed by its position in the input."""

from __future__ import annotations

import numpy as np

from echocli.types import Samples

_LEAST = 16_000


class AudioBuffer:
    """Keep samples between :attr:`start` and :attr:`end`, both absolute positions.

    Appending is amortised O(1). The memory is at most four times what is kept (plus a second),
    however much has passed through. Nothing is dropped by itself: bounding what is kept is the
    caller's, by :meth:`drop_before`.
    """

    def __init__(self, start: int = 0) -> None:
        self._store = np.zeros(_LEAST, np.float32)
        self._first = 0
        self._start = start
        self._kept = 0

    @property
    def start(self) -> int:
        """Position of the first sample that is still here."""
        return self._start

    @property
    def end(self) -> int:
        """Position after the last sample."""
        return self._start + self._kept

    @property
    def capacity(self) -> int:
        """Samples there is memory for at present."""
        return len(self._store)

    def append(self, samples: Samples) -> None:
        """Add samples at the end."""
        kept = self._kept + len(samples)
        if self._first + kept > len(self._store):
            self._move(max(_LEAST, 2 * kept))
        at = self._first + self._kept
        self._store[at : at + len(samples)] = samples
        self._kept = kept

    def slice(self, start: int, end: int) -> Samples:
        """Return a copy of ``[start, end)``; ``IndexError`` if any of it is not here."""
        if not self._start <= start <= end <= self.end:
            raise IndexError(f"[{start}, {end}) is not within [{self._start}, {self.end})")
        offset = self._first - self._start
        return self._store[offset + start : offset + end].copy()

    def drop_before(self, position: int) -> None:
        """Forget everything before ``position``; what is gone already stays gone."""
        if position > self.end:
            raise IndexError(f"{position} is after the end, {self.end}")
        dropped = max(0, position - self._start)
        self._first += dropped
        self._start += dropped
        self._kept -= dropped
        if len(self._store) > max(_LEAST, 4 * self._kept):
            self._move(max(_LEAST, 2 * self._kept))

    def _move(self, capacity: int) -> None:
        store = np.empty(capacity, np.float32)
        store[: self._kept] = self._store[self._first : self._first + self._kept]
        self._store, self._first = store, 0
