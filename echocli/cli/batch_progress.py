"""How far a batch is, measured by the bytes of its inputs: their lengths are not known yet."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from echocli.output.console import OverallBar
from echocli.output.files import STDIN, OutputPlan, missing


class Course:
    """Add up how much of a batch is done and show it; a progress bar for each input in turn.

    What has no size (standard input, a FIFO) counts as much as the others do on average; what is
    not there, or is done already, counts nothing.
    """

    def __init__(
        self, plans: Sequence[OutputPlan], bar: OverallBar, *, skip_existing: bool
    ) -> None:
        self._bar = bar
        self._sizes = _sizes(plans, skip_existing=skip_existing)
        self._whole = sum(self._sizes) or 1.0
        self._names = [Path(plan.input).name for plan in plans]
        self._place = -1

    def go_on(self) -> None:
        """Take note that the next input has its turn."""
        self._place += 1
        self.update(0.0, None)

    def update(self, position: float, total: float | None) -> None:
        """State the seconds done of the present input, and all of its seconds if known."""
        part = min(position / total, 1.0) if total else 0.0
        done = sum(self._sizes[: self._place]) + part * self._sizes[self._place]
        label = f"{self._place + 1}/{len(self._names)} {self._names[self._place]}"
        self._bar.update(label, min(done / self._whole, 1.0))


def _sizes(plans: Sequence[OutputPlan], *, skip_existing: bool) -> list[float]:
    sizes = [None if skip_existing and not missing(plan).targets else _size(plan) for plan in plans]
    known = [size for size in sizes if size]
    mean = sum(known) / len(known) if known else 1.0
    return [mean if size == 0 else float(size or 0) for size in sizes]


def _size(plan: OutputPlan) -> int | None:
    """Return the bytes of an input, 0 where it has no size, ``None`` where it is not there."""
    try:
        status = Path(plan.input).stat()
    except OSError:
        return 0 if plan.input == STDIN else None
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
