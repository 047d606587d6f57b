"""The progress bar of a terminal; imports rich, so import it only where a bar is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from echocli.clock import Clock
from echocli.output.subtitles import clock_time
from echocli.output.text import one_line

REFRESH = 0.1
"""Seconds between two pictures of the bar."""

_LABEL_WIDTH = 24
_MARGIN = 3
"""Columns left free: the ``^C`` a terminal echoes must not start a new line, or the bar remains."""

_TIMES = "\N{MULTIPLICATION SIGN}"


class _Line:
    """A line with a bar and figures, drawn at most every :data:`REFRESH` seconds.

    It has no thread of its own: drawing happens where news come, so nothing can tear the output.
    ``stop`` takes it off the screen and ``start`` lets the next news draw it again. A terminal that
    goes away is no reason to stop working: nothing is drawn from then on.
    """

    def __init__(self, clock: Clock, console: Console, label: str) -> None:
        self._clock = clock
        self._picture = _Picture(
            TextColumn(
                "{task.description}",
                style="none",
                markup=False,
                table_column=Column(no_wrap=True, max_width=_LABEL_WIDTH),
            ),
            BarColumn(bar_width=None),  # takes what the others leave
            TextColumn("{task.fields[figures]}", style="none", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._picture.add_task(one_line(label), total=None, figures="")
        self._first: tuple[float, float] | None = None
        self._drawn = float("-inf")
        self._gone = False

    def start(self) -> None:
        """Take a line of the terminal and hide the cursor."""
        with self._drawing():
            self._picture.start()

    def stop(self) -> None:
        """Clear the line and show the cursor."""
        with self._drawing():
            self._picture.stop()

    def _due(self, *, urgent: bool) -> bool:
        """Tell whether to draw now; the last picture may be too fresh."""
        now = self._clock.now()
        if self._gone or (now - self._drawn < REFRESH and not urgent):
            return False
        self._drawn = now
        return True

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._gone = True

    def _speed(self, position: float) -> float:
        """Return by how much a position grows in a second, since the first one that was told."""
        now = self._clock.now()
        start, origin = self._first = self._first or (now, position)
        return (position - origin) / (now - start) if now > start else 0.0


class TerminalBar(_Line):
    """A line for one input: a bar, position, speed and time left."""

    def update(self, position: float, total: float | None) -> None:
        """Draw the new position."""
        speed = self._speed(position)
        if not self._due(urgent=total is not None and position >= total):
            return
        text = figures(position, total, speed)
        with self._drawing():
            self._picture.update(
                self._task, completed=position, total=total, figures=text, refresh=True
            )


class TerminalOverallBar(_Line):
    """A line for a batch: the present input, a bar of the whole, and time left."""

    def __init__(self, clock: Clock, console: Console) -> None:
        super().__init__(clock, console, "")
        self._label = ""

    def update(self, label: str, share: float) -> None:
        """Draw the present input, and which share of everything is done."""
        speed = self._speed(share) if share else 0.0  # loading the model says nothing
        if not self._due(urgent=label != self._label):
            return
        self._label = label
        text = f"{share:.0%}" + (f"  {clock_time((1 - share) / speed)} left" if speed else "")
        with self._drawing():
            self._picture.update(
                self._task,
                description=one_line(label),
                completed=share,
                total=1.0,
                figures=text,
                refresh=True,
            )


class _Picture(Progress):
    """Rich's progress, a little narrower than the terminal."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield _Narrow(self.make_tasks_table(self.tasks))


@dataclass(frozen=True, slots=True)
class _Narrow:
    inner: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - _MARGIN, 1)
        yield from console.render(self.inner, options.update_width(width))


def figures(position: float, total: float | None, speed: float) -> str:
    """Write position, speed and time left; what is not known yet is left out."""
    parts = [clock_time(position) + (f" / {clock_time(total)}" if total else "")]
    if speed > 0:
        parts.append((f"{speed:.1f}" if speed < 100 else f"{speed:.0f}") + _TIMES)
        if total and position < total:
            parts.append(f"{clock_time((total - position) / speed)} left")
    return "  ".join(parts)
