"""Which gaps of a stream are left: not filled later."""

from __future__ import annotations

from collections.abc import Iterator

from echocli.events import SPOOLED, Gap
from echocli.types import Segment


class OpenGaps:
    """Keep the gaps that nothing has filled so far, in the order they were stated."""

    def __init__(self) -> None:
        self._gaps: list[Gap] = []

    def __iter__(self) -> Iterator[Gap]:
        return iter(self._gaps)

    def __len__(self) -> int:
        return len(self._gaps)

    def leave(self, gap: Gap) -> None:
        """Note a gap; what was to be filled and cannot be any more is stated once again."""
        span = (gap.start, gap.end, gap.source)
        self._gaps = [one for one in self._gaps if (one.start, one.end, one.source) != span]
        self._gaps.append(gap)

    def fill(self, segment: Segment) -> None:
        """Take out the gap that a backfilled segment lies in."""
        filled = (gap for gap in self._gaps if _is_filled(gap, segment))
        if (gap := next(filled, None)) is not None:
            self._gaps.remove(gap)


def _is_filled(gap: Gap, segment: Segment) -> bool:
    """Tell whether a segment is what a gap was left for."""
    kept = gap.reason.startswith(SPOOLED) and gap.source in (None, segment.source)
    return kept and gap.start <= segment.start < gap.end
