"""How far a download is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

from rich.console import Console as Canvas
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Picture

from echocli.clock import Clock
from echocli.models.pull import Progress
from echocli.output.console import Console
from echocli.output.text import one_line, size

REFRESH = 0.1
"""Seconds between two pictures of the bar."""

STEP = 10
"""Percent of a file between two lines where there is no terminal."""

WORTH_TELLING = 10**6
"""Bytes of a file from which on there are such lines."""

Teller: TypeAlias = Callable[[Progress], None]


@contextmanager
def telling(console: Console, clock: Clock, label: str) -> Iterator[Teller]:
    """Give what a download reports to; the bar is gone when the block is left."""
    canvas = console.canvas
    if canvas is None:
        yield _Lines(console, label)
        return
    bar = _Bar(canvas, clock, label)
    with console.showing(bar):
        yield bar


class _Lines:
    """Say where a file is at each tenth of it."""

    def __init__(self, console: Console, label: str) -> None:
        self._console = console
        self._label = label
        self._said: dict[str, int] = {}

    def __call__(self, progress: Progress) -> None:
        if progress.total is None or progress.total < WORTH_TELLING:
            return
        percent = progress.done * 100 // progress.total // STEP * STEP
        if percent > self._said.get(progress.file, 0):
            self._said[progress.file] = percent
            self._console.notice(
                f"{self._label}: {progress.file}: {percent} % of {size(progress.total)}"
            )


class _Bar:
    """A line with the file, a bar, the bytes and the time left; drawn by what is reported."""

    def __init__(self, canvas: Canvas, clock: Clock, label: str) -> None:
        self._clock = clock
        self._label = one_line(label)
        self._drawn = float("-inf")
        self._picture = Picture(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=canvas,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._picture.add_task(self._label, total=None)
        self._file = ""

    def __call__(self, progress: Progress) -> None:
        if progress.file != self._file:
            self._file = progress.file
            self._picture.reset(self._task, description=f"{self._label} {one_line(progress.file)}")
        now = self._clock.now()
        if now - self._drawn < REFRESH and progress.done != progress.total:
            return
        self._drawn = now
        with suppress(OSError):  # a terminal that goes away does not end a download
            self._picture.update(
                self._task, completed=progress.done, total=progress.total, refresh=True
            )

    def start(self) -> None:
        """Take a line of the terminal and hide the cursor."""
        with suppress(OSError):
            self._picture.start()

    def stop(self) -> None:
        """Clear the line and show the cursor."""
        with suppress(OSError):
            self._picture.stop()
