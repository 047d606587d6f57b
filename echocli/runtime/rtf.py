"""How much of real time decoding for good takes: the load that the ladder follows.

The RTF of a source is busy seconds ÷ seconds of its sound that they covered, so it exceeds 1 where
decoding is slower than speaking; busy wall time ÷ wall time never would. The load is the sum over
the sources: they share one model.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LONGEST = 60.0
"""Seconds after which an entry is of no average any more, unless the window is longer."""

MOST = 4096
"""Entries kept of a source; with more than 68 a second the averages are of less time."""


@dataclass(frozen=True, slots=True)
class _Entry:
    time: float
    busy: float
    audio: float


@dataclass(slots=True)
class _Track:
    """One source: what is covered, and what was worked on sound that is not covered yet."""

    entries: deque[_Entry] = field(default_factory=lambda: deque(maxlen=MOST))
    pending: float = 0.0

    def sums(self, after: float) -> tuple[float, float] | None:
        """Return busy and audio seconds of the entries newer than ``after``."""
        recent = [entry for entry in self.entries if entry.time > after]
        if not recent:
            return None
        return sum(entry.busy for entry in recent), sum(entry.audio for entry in recent)


class LoadMeter:
    """Measure the RTF over a sliding ``window`` of seconds; ``now`` must never run backwards.

    Only finals are told: partials and backfill yield, so they are no load. Amounts of zero or less
    are not noted. Bounded in memory by the number of sources. Not thread-safe.
    """

    def __init__(self, window: float = 10.0) -> None:
        self.window = window
        self._kept = max(window, LONGEST)
        self._tracks: dict[str, _Track] = {}
        self._flight: tuple[float, float] | None = None
        """When the request in flight began, and its seconds of sound."""

    def busy(self, source: str, secs: float, now: float) -> None:
        """Note ``secs`` of inference on finals of a source.

        They count from the moment that :meth:`covered` tells what they were for, however many
        requests that took: tell it after.
        """
        self._forget(now)
        if secs > 0:
            self._tracks.setdefault(source, _Track()).pending += secs

    def covered(self, source: str, audio: float, now: float) -> None:
        """Note that ``audio`` more seconds of a source are decoded: speech and silence before."""
        self._forget(now)
        if audio > 0:
            track = self._tracks.setdefault(source, _Track())
            track.entries.append(_Entry(now, track.pending, audio))
            track.pending = 0.0

    def forget(self, source: str) -> None:
        """Drop a source that is over: its load is gone with it."""
        self._tracks.pop(source, None)

    def begin(self, now: float, audio: float) -> None:
        """Note that a request with ``audio`` seconds of finals is in flight; one at a time."""
        self._flight = (now, audio) if audio > 0 else None

    def end(self, now: float) -> None:
        """Note that the request in flight is answered or lost."""
        self._forget(now)
        self._flight = None

    def rtf(self, now: float) -> float | None:
        """Return the RTF over the window, or ``None`` where nothing was decoded.

        A request in flight counts once it takes so long that the RTF will be larger: as if it ended
        now, and for the source where that makes the least difference, because nobody said which.
        """
        sums = self._sums(now, self.window)
        settled = _total(sums)
        if self._flight is None:
            return settled
        since, audio = self._flight
        least = _with_request(sums, max(0.0, now - since), audio)
        return least if settled is None else max(settled, least)

    def average(self, now: float, secs: float) -> float | None:
        """Return the RTF over the last ``secs`` (at most 60, or the window) of what is covered."""
        return _total(self._sums(now, secs))

    def _sums(self, now: float, secs: float) -> list[tuple[float, float]]:
        found = (track.sums(now - secs) for track in self._tracks.values())
        return [sums for sums in found if sums is not None]

    def _forget(self, now: float) -> None:
        """Drop what is of no average any more, and sources that are over."""
        for track in self._tracks.values():
            while track.entries and track.entries[0].time <= now - self._kept:
                track.entries.popleft()
        over = [
            name for name, track in self._tracks.items() if not track.entries and not track.pending
        ]
        for name in over:
            del self._tracks[name]


def _total(sums: list[tuple[float, float]]) -> float | None:
    return sum(busy / audio for busy, audio in sums) if sums else None


def _with_request(sums: list[tuple[float, float]], elapsed: float, audio: float) -> float:
    """Return the least RTF there will be when ``elapsed`` seconds more cover ``audio`` more."""
    if not sums:
        return elapsed / audio
    more = min((busy + elapsed) / (sound + audio) - busy / sound for busy, sound in sums)
    return (_total(sums) or 0.0) + more
