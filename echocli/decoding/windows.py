"""Choose the next window: where speech is, as much of it as the model takes at once.

Pure: it is fed sound and the voice detector's spans as they come, keeps only what is still to be
decoded, and says whether the next window is known yet. Spans that are close together share a
window; a long silence ends one, because a window that spans a long silence ends early and drops
what follows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from echocli.audio.ring import AudioBuffer
from echocli.types import SAMPLE_RATE, Samples, Span


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """Sizes in samples."""

    longest: int = 30 * SAMPLE_RATE
    """What Whisper's encoder takes."""
    join_gap: int = 2 * SAMPLE_RATE
    """Silence up to this long stays inside a window."""
    shortest: int = SAMPLE_RATE // 2
    """A rest of a span shorter than this is the padding behind it, not speech."""


class WindowPlanner:
    """Turn spans into windows, in order, without ever holding more than one window's sound."""

    def __init__(self, options: WindowOptions | None = None, *, position: int = 0) -> None:
        self.position = position
        """Everything before this sample is done with."""
        self._options = options or WindowOptions()
        self._buffer = AudioBuffer(position)
        self._spans: deque[Span] = deque()
        self._open: int | None = None
        self._decided = 0
        self._finished = False

    @property
    def exhausted(self) -> bool:
        """Whether every window has been given."""
        return self._finished and self.next() is None

    @property
    def buffered(self) -> int:
        """Samples held."""
        return self._buffer.end - self._buffer.start

    def feed(
        self, samples: Samples, closed: Sequence[Span], open_start: int | None, decided: int
    ) -> None:
        """Take a block of sound and what the voice detector knows after it."""
        self._buffer.append(samples)
        self._spans.extend(closed)
        self._open = open_start
        self._decided = decided
        self._forget()

    def finish(self, closed: Sequence[Span]) -> None:
        """Take the last spans; after this every window is known."""
        self._spans.extend(closed)
        self._open = None
        self._decided = self._buffer.end
        self._finished = True

    def next(self) -> Span | None:
        """Return the next window, or ``None``: more sound is needed, or there is no more speech."""
        self._drop_done()
        start = self._start()
        if start is None:
            return None
        limit = start + self._options.longest
        end, closed = self._end(limit)
        if end >= limit:
            return Span(start, limit) if self._buffer.end >= limit else None
        return Span(start, min(end, self._buffer.end)) if closed else None

    def sound(self, window: Span) -> Samples:
        """Return the samples of a window."""
        return self._buffer.slice(window.start, window.end)

    def advance(self, position: int) -> None:
        """Go on at ``position``; sound before it is forgotten."""
        self.position = max(self.position, position)
        self._forget()

    def _start(self) -> int | None:
        first = self._spans[0].start if self._spans else self._open
        return None if first is None else max(first, self.position)

    def _end(self, limit: int) -> tuple[int, bool]:
        """Return how far the speech of this window reaches and whether that is certain."""
        end = self._spans[0].end if self._spans else self._decided
        for span in list(self._spans)[1:]:
            if span.start - end > self._options.join_gap or end >= limit:
                return end, True
            end = span.end
        if self._open is not None:
            near = not self._spans or self._open - end <= self._options.join_gap
            return (max(end, self._decided), False) if near else (end, True)
        silent = self._finished or self._decided - end > self._options.join_gap
        return end, silent

    def _drop_done(self) -> None:
        """Drop spans that are behind, and rests too short to be speech."""
        while self._spans and self._is_done(self._spans[0]):
            self._spans.popleft()

    def _is_done(self, span: Span) -> bool:
        if span.end <= self.position:
            return True
        begun = self.position > span.start
        rest_is_short = span.end - self.position <= self._options.shortest
        return begun and rest_is_short and self._stands_alone(span)

    def _stands_alone(self, span: Span) -> bool:
        """Tell that nothing follows which the rest of a span can share a window with.

        A span that touches the next has less than its full padding, so its rest may be speech.
        """
        following = self._spans[1].start if len(self._spans) > 1 else self._open
        if following is None:
            return self._finished or self._decided - span.end > self._options.join_gap
        return following - span.end > self._options.join_gap

    def _forget(self) -> None:
        start = self._start()
        self._buffer.drop_before(min(self._decided if start is None else start, self._buffer.end))
