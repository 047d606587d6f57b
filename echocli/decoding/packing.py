"""Pack speech into windows: cut at the longest pauses, never longer than the model likes.

Pure: it is fed sound and the islands of speech between pauses as they come, and gives windows with
their sound. Which windows come out depends on the islands alone, not on how the sound was cut into
blocks. Windows are chosen over a stretch of several windows at once, so that a cut lies at the end
of a sentence where there is one and not where a window happens to be full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from echocli.audio.ring import AudioBuffer
from echocli.types import SAMPLE_RATE, Samples, Span

QUIET = SAMPLE_RATE // 10
"""Length of the sound whose loudness is compared where speech without a pause must be cut."""

UNSURE = SAMPLE_RATE // 2
"""How far behind the newest sound an island may turn out to have ended."""


@dataclass(frozen=True, slots=True)
class PackOptions:
    """Sizes in samples."""

    longest: int = 20 * SAMPLE_RATE
    """From the first to the last speech of a window."""
    join_gap: int = 2 * SAMPLE_RATE
    """Silence up to this long stays inside a window: over a longer one the model ends early."""
    good_pause: int = SAMPLE_RATE
    """A pause of this length is as good a place to cut as any."""
    window_cost: float = 0.2
    """What one more window costs, where 1 is a cut without any pause."""
    pad: int = SAMPLE_RATE * 4 // 10
    """Sound taken from the silence on both sides."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A window, its sound, and where speech is in it (positions in the input)."""

    span: Span
    samples: Samples
    islands: tuple[Span, ...]
    last: bool = False
    """Whether the input ends with it; silence longer than ``join_gap`` behind it says no."""


class Packer:
    """Turn islands of speech into windows, in order, holding a few windows' sound."""

    def __init__(self, options: PackOptions | None = None) -> None:
        self._options = options or PackOptions()
        self._buffer = AudioBuffer()
        self._islands: deque[Span] = deque()
        """Speech that is in no window yet; none is longer than a window."""
        self._ready: deque[Packed] = deque()
        self._pad = min(self._options.pad, self._options.join_gap // 2)
        self._last_end: int | None = None
        """Where the speech before the islands ended."""
        self._cut_to = 0
        """How much of an island that is still open has been cut off."""

    @property
    def position(self) -> int:
        """Everything before this sample has been given or is silent."""
        return self._ready[0].span.start if self._ready else self._buffer.start

    @property
    def buffered(self) -> int:
        """Samples held."""
        ready = sum(len(window.samples) for window in self._ready)
        return self._buffer.end - self._buffer.start + ready

    def feed(
        self, samples: Samples, islands: Sequence[Span], open_start: int | None, decided: int
    ) -> None:
        """Take a block of sound and what is known of the speech after it.

        ``open_start`` is where an island began that is not over, ``decided`` the position before
        which no other island can begin. What is open is speech up to :data:`UNSURE` before the end
        of the sound.
        """
        self._buffer.append(samples)
        for island in islands:
            self._arrive(island.start, island.end)
        if open_start is not None:
            self._cut_open(max(open_start, self._cut_to))
        elif self._islands and decided - self._islands[-1].end > self._options.join_gap:
            self._flush()
        first = max(decided if open_start is None else min(decided, open_start), self._cut_to)
        if self._islands:
            first = self._islands[0].start
        self._buffer.drop_before(min(max(0, first - self._pad), self._buffer.end))

    def finish(self, islands: Sequence[Span]) -> None:
        """Take the last islands; no more sound will come."""
        for island in islands:
            self._arrive(island.start, island.end)
        if self._islands:
            self._flush()
            self._ready.append(replace(self._ready.pop(), last=True))
        self._buffer.drop_before(self._buffer.end)

    def next(self) -> Packed | None:
        """Return the next window, or ``None``: more sound is needed, or there is no more speech."""
        return self._ready.popleft() if self._ready else None

    def _arrive(self, start: int, end: int) -> None:
        """Take an island; speech without a pause is cut at its quietest points."""
        start = max(start, self._cut_to)
        while end - start > self._options.longest:
            cut = self._quietest(start)
            self._add(Span(start, cut))
            start = cut
        if end > start:
            self._add(Span(start, end))
        self._cut_to = max(self._cut_to, end)

    def _cut_open(self, start: int) -> None:
        """Cut speech that is longer than a window before it is over."""
        while self._buffer.end - UNSURE - start > self._options.longest:
            cut = self._quietest(start)
            self._add(Span(start, cut))
            start = self._cut_to = cut

    def _quietest(self, start: int) -> int:
        """Return the middle of the quietest tenth of a second in the last 40 % of a window."""
        low = start + self._options.longest * 6 // 10
        frames = max(1, (start + self._options.longest - low) // QUIET)
        sound = self._buffer.slice(low, low + frames * QUIET)
        loudness = np.abs(sound).reshape(frames, QUIET).mean(axis=1)
        return low + int(np.argmin(loudness)) * QUIET + QUIET // 2

    def _add(self, island: Span) -> None:
        options = self._options
        if self._islands and island.start - self._islands[-1].end > options.join_gap:
            self._flush()
        self._islands.append(island)
        # Two windows and a half ahead are enough to find the best place for the next cut.
        while island.end - self._islands[0].start > 5 * options.longest // 2:
            cuts = self._best_cuts()
            # The very first text comes sooner from two slots than from one.
            second = self._last_end is None and len(cuts) > 2
            self._give(cuts[0])
            if second:
                self._give(cuts[1] - cuts[0])

    def _flush(self) -> None:
        """Give all islands away: a long silence or nothing follows."""
        taken = 0
        for count in self._best_cuts():
            self._give(count - taken)
            taken = count

    def _best_cuts(self) -> list[int]:
        """Return after how many islands each window ends, at the least total cost."""
        islands, options = list(self._islands), self._options
        best = [0.0, *[float("inf")] * len(islands)]
        back = [0] * len(best)
        for j in range(1, len(best)):
            here = options.window_cost
            if j < len(islands):
                pause = islands[j].start - islands[j - 1].end
                here += max(0.0, 1.0 - pause / options.good_pause)
            for i in range(j - 1, -1, -1):
                if islands[j - 1].end - islands[i].start > options.longest:
                    break
                if best[i] + here < best[j]:
                    best[j], back[j] = best[i] + here, i
        cuts = [len(islands)]
        while back[cuts[-1]] > 0:
            cuts.append(back[cuts[-1]])
        return cuts[::-1]

    def _give(self, count: int) -> None:
        """Make a window of the first islands; neighbours share the silence between them."""
        islands = tuple(self._islands.popleft() for _ in range(count))
        first, last = islands[0].start, islands[-1].end
        start, end = first - self._pad, last + self._pad
        if self._last_end is not None:
            start = max(start, (self._last_end + first + 1) // 2)
        if self._islands:
            end = min(end, (last + self._islands[0].start + 1) // 2)
        span = Span(max(start, self._buffer.start), min(end, self._buffer.end))
        self._last_end = last
        self._ready.append(Packed(span, self._buffer.slice(span.start, span.end), islands))


def speech_between(islands: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    """Yield the parts of islands that lie in ``[start, end)``."""
    for island in islands:
        low, high = max(island.start, start), min(island.end, end)
        if high > low:
            yield Span(low, high)
