"""Parts of an input: nothing outside of them is heard, and what is behind the last is not read.

Sound outside becomes digital silence instead of being cut out, so that every position, and with it
every time in the transcript, stays that of the input.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from echocli.types import SAMPLE_RATE, Samples, Segment, Span, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T", Segment, Word)

ENDLESS = sys.maxsize
"""End of a part that goes on to the end of the input."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Parts in sample positions, in order, with sound between any two of them; at least one."""

    parts: tuple[Span, ...]

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Clip:
        """Return spans, which are in any order and may overlap, as a clip."""
        parts: list[Span] = []
        for span in sorted(spans, key=lambda span: span.start):
            if parts and span.start <= parts[-1].end:
                parts[-1] = Span(parts[-1].start, max(parts[-1].end, span.end))
            else:
                parts.append(span)
        return cls(tuple(parts))

    def __str__(self) -> str:
        """Return the parts as ``START-END`` in seconds, without an end up to that of the input."""
        return ",".join(f"{_secs(part.start)}-{_secs(part.end)}" for part in self.parts)

    @property
    def end(self) -> int:
        """Where the last part ends."""
        return self.parts[-1].end

    def inside(self, start: int, end: int) -> int:
        """Return how many samples of ``[start, end)`` belong to a part."""
        return sum(max(0, min(part.end, end) - max(part.start, start)) for part in self.parts)

    def frames(self, first: int, last: int, size: int) -> NDArray[np.bool_]:
        """Tell for the frames ``first`` to ``last - 1`` of ``size`` samples which touch a part."""
        import numpy as np

        starts = np.arange(first, last) * size
        found = np.zeros(len(starts), np.bool_)
        for part in self.parts:
            found |= (starts < part.end) & (starts + size > part.start)
        return found

    def cut(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield blocks, silent outside of the parts; stops behind the last part."""
        position = 0
        for block in blocks:
            yield self._silenced(block[: self.end - position], position)
            position += len(block)
            if position >= self.end:
                return

    def fit(self, segment: Segment) -> Segment:
        """Return a segment without the time that lies outside of the parts at either end.

        A model hears the silence around a part too and may count some of it to a word.
        """
        words = segment.words
        if words is not None:
            words = tuple(self._fitted(word) for word in words)
        return replace(self._fitted(segment), words=words)

    def beyond(self, total: int) -> Span | None:
        """Return the first part that lies wholly behind an input of ``total`` samples."""
        return next((part for part in self.parts if part.start >= total), None)

    def _fitted(self, timed: T) -> T:
        edges = ((part.start / SAMPLE_RATE, part.end / SAMPLE_RATE) for part in self.parts)
        touched = [(low, high) for low, high in edges if low < timed.end and timed.start < high]
        if not touched:
            return timed
        first, last = touched[0][0], touched[-1][1]
        return replace(timed, start=max(timed.start, first), end=min(timed.end, last))

    def _silenced(self, block: Samples, position: int) -> Samples:
        import numpy as np

        end = position + len(block)
        if self.inside(position, end) == len(block):
            return block
        silenced = np.zeros_like(block)
        for part in self.parts:
            here = slice(max(0, part.start - position), max(0, min(part.end, end) - position))
            silenced[here] = block[here]
        return silenced


def _secs(samples: int) -> str:
    text = "" if samples == ENDLESS else f"{samples / SAMPLE_RATE:.3f}"
    return text.rstrip("0").rstrip(".")


WHOLE = Clip((Span(0, ENDLESS),))
"""All of an input."""
